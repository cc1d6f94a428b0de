package import JSON

/// An authority whose certificates say who calls (in the manner of RFC 8705), and whom.
///
/// It names each caller: a certificate that nobody is listed for is nobody's, however good it is.
package struct CertificateIssuer: Sendable {
    package struct Member: Sendable {
        package var subject: String
        package var kind: Caller.Kind
        package var groups: [Name]
        package var claims: JSONObject

        package init(
            subject: String, kind: Caller.Kind = .agent, groups: [Name] = [],
            claims: JSONObject = JSONObject()
        ) {
            self.subject = subject
            self.kind = kind
            self.groups = groups
            self.claims = claims
        }
    }

    package let issuer: String
    /// Thumbprints of the authorities' own certificates.
    package let authorities: Set<Digest32>
    package let members: [CertificateName: Member]

    package init(
        issuer: String, authorities: Set<Digest32>, members: [CertificateName: Member]
    ) {
        self.issuer = issuer
        self.authorities = authorities
        self.members = members
    }

    /// Nobody where two names of the certificate are two callers': neither is it for sure.
    fileprivate func caller(_ shown: ShownCertificate) throws(Refusal) -> Caller {
        let found = Set(shown.names).compactMap { members[$0] }
        guard let member = found.first else { throw .unknownCertificate("nobody is listed") }
        guard found.count == 1 else { throw .unknownCertificate("several callers are listed") }
        var caller = Caller(
            issuer: issuer, subject: member.subject, kind: member.kind, groups: member.groups,
            claims: member.claims, expires: shown.notAfter)
        caller.issued = shown.notBefore
        caller.certificate = CertificateMark(thumbprint: shown.thumbprint, serial: shown.serial)
        return caller
    }
}

extension [CertificateIssuer] {
    /// Who shows this certificate? The nearest authority above it that is somebody's decides.
    func caller(_ shown: ShownCertificate, now: Int) throws(Refusal) -> Caller {
        // A connection may outlive the certificate with which it began.
        guard shown.notBefore <= now, now < shown.notAfter else {
            throw .unknownCertificate("outside its dates")
        }
        for authority in shown.authorities {
            if let issuer = first(where: { $0.authorities.contains(authority) }) {
                return try issuer.caller(shown)
            }
        }
        throw .unknownCertificate("another authority")
    }
}

extension Refusal {
    static func unknownCertificate(_ fault: String) -> Refusal {
        Refusal(
            .identityCertificate,
            "The client certificate of this connection is nobody's here. Connect with a current one that is listed under `issuers` in server.json, or send a token as `Authorization: Bearer TOKEN`.",
            noted: "certificate: \(fault)")
    }
}
