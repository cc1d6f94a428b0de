import JSON

/// What verified claims say about their caller.
enum CallerClaims {
    static func caller(from claims: JSONObject, _ rules: IssuerRules) throws(Refusal) -> Caller {
        guard let subject = claims["sub"]?.string, isName(subject) else {
            throw .invalidToken("subject")
        }
        var caller = Caller(
            issuer: rules.issuer, subject: subject, groups: try groups(in: claims, rules.groups),
            claims: claims)
        caller.email = try email(in: claims)
        if let client = try text("client_id", in: claims) {
            caller.clientID = client
        } else {
            caller.clientID = try text("azp", in: claims)
        }
        caller.tokenID = try text("jti", in: claims)
        if let act = claims["act"] {
            // RFC 8693 4.1: `sub` is the person, `act.sub` the agent who acts for them. An actor
            // who cannot be read must not pass for the person.
            // Nor one of another issuer for a subject of this one (RFC 8693 section 4.1).
            guard let actor = act["sub"]?.string, isName(actor), isOwn(act["iss"], rules) else {
                throw .invalidToken("actor")
            }
            caller.kind = .agent
            caller.onBehalfOf = subject
            caller.subject = actor
        } else if caller.clientID?.isByteEqual(to: subject) == true {
            // RFC 9068 2.2: in a client-credentials grant the subject is the client itself.
            caller.kind = .agent
        }
        return caller
    }

    private static func isOwn(_ issuer: JSONValue?, _ rules: IssuerRules) -> Bool {
        guard let issuer else { return true }
        return issuer.string?.isByteEqual(to: rules.issuer) == true
    }

    private static func groups(
        in claims: JSONObject, _ claim: GroupsClaim
    ) throws(Refusal) -> [Name] {
        try refuseOverage(claims, claim)
        var value: JSONValue? = .object(claims)
        for name in claim.path {
            guard let parent = value else { break }
            guard case .object(let object) = parent else { throw .invalidToken("groups") }
            value = object[name]
        }
        switch value {
        case nil: return []
        case .array(let listed):
            var groups: [Name] = []
            for element in listed {
                guard let group = element.string else {
                    throw .invalidToken("groups")
                }
                groups.append(Name(group))
            }
            return groups
        case .string(let text):
            guard let separator = claim.separator else {
                throw .invalidToken("groups")
            }
            return text.utf8.split(separator: separator).map { Name(String(Substring($0))) }
        default: throw .invalidToken("groups")
        }
    }

    /// Entra leaves out the groups of people who are in very many and names a place to fetch them:
    /// such a person would look like one in no group, and a rule about groups would not hold.
    private static func refuseOverage(
        _ claims: JSONObject, _ claim: GroupsClaim
    ) throws(Refusal) {
        let name = claim.path.last ?? ""
        if let elsewhere = claims["_claim_names"] {
            guard let names = elsewhere.object, names[name] == nil else { throw .tooManyGroups }
        }
        if name.isByteEqual(to: "groups"), let flag = claims["hasgroups"], flag.bool != false {
            throw .tooManyGroups
        }
    }

    /// An address that nobody has verified is a text that its owner chose.
    private static func email(in claims: JSONObject) throws(Refusal) -> String? {
        guard claims["email_verified"]?.bool == true else { return nil }
        return try text("email", in: claims)
    }

    private static func text(_ name: String, in claims: JSONObject) throws(Refusal) -> String? {
        guard let value = claims[name] else { return nil }
        guard let text = value.string, isName(text) else {
            throw .invalidToken("claim `\(name)`")
        }
        return text
    }

    /// Not empty, and nothing in it that ends a line of a log, hides, reorders what is read, or
    /// makes two names look the same.
    private static func isName(_ text: String) -> Bool {
        guard (1...1_024).contains(text.utf8.count), text.utf8.first != UInt8(ascii: " "),
            text.utf8.last != UInt8(ascii: " ")
        else { return false }
        return text.unicodeScalars.allSatisfy { scalar in
            guard !scalar.isASCII else { return scalar.value >= 0x20 && scalar.value != 0x7F }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator,
                .surrogate:
                return false
            default: return !scalar.properties.isDefaultIgnorableCodePoint
            }
        }
    }
}

extension Refusal {
    static var tooManyGroups: Refusal {
        Refusal(
            .identityInvalid,
            "The identity provider leaves out your groups because there are too many. Ask its operator to send only the groups assigned to this application, or application roles.",
            noted: "token: groups overage")
    }
}
