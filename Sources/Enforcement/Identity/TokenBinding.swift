import JSON

/// The key to which a token is bound (RFC 7800): whoever has the token alone has nothing.
package struct TokenBinding: Sendable, Equatable {
    /// RFC 9449 section 6: of the key that signs the proofs.
    package var keyThumbprint: Digest32?
    /// RFC 8705 section 3: of the client's certificate.
    package var certificateThumbprint: Digest32?

    /// nil where the token is bound to nothing.
    static func read(_ claims: JSONObject) throws(Refusal) -> TokenBinding? {
        guard let confirmation = claims["cnf"] else { return nil }
        guard let members = confirmation.object?.members, !members.isEmpty else {
            throw .invalidToken("confirmation")
        }
        var binding = TokenBinding()
        for member in members {
            guard
                let digest = member.value.string.flatMap({ Base64URL.decode($0) })
                    .flatMap({ Digest32($0) })
            else { throw .invalidToken("confirmation") }
            switch Name(member.name) {
            case "jkt": binding.keyThumbprint = digest
            case "x5t#S256": binding.certificateThumbprint = digest
            // One that cannot be checked is not met.
            default: throw .invalidToken("bound in an unknown way")
            }
        }
        return binding
    }
}

/// How a token came to us, for tokens that are bound.
package struct Showing: Sendable {
    package enum Scheme: Sendable { case bearer, proof }

    package var scheme = Scheme.bearer
    /// The values of the header `DPoP`.
    package var proofs: [String] = []
    package var method = ""
    /// The resource as clients know it.
    package var url = ""
    /// Of the certificate that the client showed on this connection.
    package var certificate: Digest32?
    /// The same request will be shown once more, before anything is done.
    package var isRehearsal = false

    package init() {}
}

/// Checks that whoever shows a token holds what it is bound to.
struct PossessionCheck: Sendable {
    /// Remembers the proofs that were used; without it none is good.
    let store: (any StateStore)?
    let now: @Sendable () -> Int

    func check(
        _ binding: TokenBinding?, _ token: String, _ showing: Showing
    ) async throws(Refusal) {
        if let wanted = binding?.certificateThumbprint {
            guard showing.certificate == wanted else { throw .notHeld("another certificate") }
        }
        guard let key = binding?.keyThumbprint else {
            // RFC 9449 7.1: a token that is not bound is no token of this scheme.
            guard showing.scheme == .bearer else { throw .notHeld("not bound to a key") }
            return
        }
        guard showing.scheme == .proof, showing.proofs.count == 1 else {
            throw .notHeld("no proof")
        }
        let proof = try PossessionProof(showing.proofs[0])
        try proof.check(key, token, showing, now: now())
        guard !showing.isRehearsal else { return }
        guard let store else { throw .notHeld("no store for proofs") }
        do throws(StateError) {
            guard try await store.spend(proof.nonce, until: now() + PossessionProof.ageMax * 2)
            else { throw StateError(.busy, detail: "used") }
        } catch {
            if error.detail == "used" { throw .notHeld("proof used before") }
            throw Refusal(
                .stateUnavailable,
                "The use of a proof cannot be remembered at the moment. Try again in a minute, then tell the operator.",
                noted: "state: \(error.detail)")
        }
    }
}

/// A proof of possession (RFC 9449 section 4).
struct PossessionProof {
    /// Seconds for which one is good, either way.
    static let ageMax = 300

    private let form: CompactJWS
    private let key: VerificationKey
    private let claims: JSONObject
    private let id: String

    init(_ text: String) throws(Refusal) {
        do throws(Refusal) { form = try CompactJWS(text) } catch {
            throw .notHeld("proof \(error.noted ?? "")")
        }
        guard form.header["typ"]?.string?.isByteEqual(to: "dpop+jwt") == true,
            let jwk = form.header["jwk"]?.object, let key = try? VerificationKey(jwk: jwk)
        else { throw .notHeld("proof header") }
        self.key = key
        claims = try CompactJWS.object(form.payload)
        guard let id = claims["jti"]?.string, (1...256).contains(id.utf8.count) else {
            throw .notHeld("proof id")
        }
        self.id = id
    }

    /// Of key and id together: ids are chosen by whoever holds the key.
    var nonce: [UInt8] {
        var fields = FieldDigest()
        fields.add("dpop")
        fields.add(key.thumbprint.bytes)
        fields.add(id)
        return fields.finish().bytes
    }

    func check(
        _ wanted: Digest32, _ token: String, _ showing: Showing, now: Int
    ) throws(Refusal) {
        guard key.thumbprint == wanted else { throw .notHeld("proof of another key") }
        guard form.isSigned(by: key) else { throw .notHeld("proof signature") }
        guard claims["htm"]?.string?.isByteEqual(to: showing.method) == true else {
            throw .notHeld("proof of another method")
        }
        guard let url = claims["htu"]?.string.flatMap({ Self.normal($0) }),
            Self.normal(showing.url)?.isByteEqual(to: url) == true
        else { throw .notHeld("proof of another URL") }
        let digest = Base64URL.encode(SHA256.digest(token).bytes)
        guard claims["ath"]?.string?.isByteEqual(to: digest) == true else {
            throw .notHeld("proof of another token")
        }
        guard let issued = claims["iat"]?.number?.double,
            abs(issued - Double(now)) <= Double(Self.ageMax)
        else { throw .notHeld("proof of another time") }
    }

    /// Scheme and host in lower case, without the usual port, query and fragment.
    private static func normal(_ url: String) -> String? {
        let bare = url.prefix { $0 != "?" && $0 != "#" }
        guard let colon = bare.utf8.firstRange(of: "://".utf8) else { return nil }
        let rest = bare.utf8[colon.upperBound...]
        let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        let scheme = String(bare[..<colon.lowerBound]).lowercased()
        var host = String(bare[colon.upperBound..<slash]).lowercased()
        let usual = scheme.isByteEqual(to: "https") ? ":443" : ":80"
        if host.utf8.suffix(usual.utf8.count).elementsEqual(usual.utf8) {
            host.removeLast(usual.count)
        }
        let path = bare[slash...]
        return "\(scheme)://\(host)\(path.isEmpty ? "/" : String(path))"
    }
}

extension Refusal {
    static func notHeld(_ fault: String) -> Refusal {
        Refusal(
            .identityProof,
            "The access token is bound to a key, and this request does not show that you hold it. Send it as `Authorization: DPoP TOKEN` with a fresh proof in the header `DPoP`, or over TLS with the certificate for which it was issued.",
            noted: "token: \(fault)")
    }
}
