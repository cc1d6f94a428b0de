/// What the name of a field says that its value is: `DB_PASSWORD`, `apiKey`, `x-auth-token`.
enum KeyNames {
    enum Meaning {
        case password
        /// A key or token: its value must look like one.
        case secret
        case session
        case cardCode
        /// The header whose value is `SCHEME CREDENTIALS`.
        case authorization
        /// Its value is another's name: `signature`, which must be long to be worth hiding.
        case signature
    }

    /// In lower case, words with `_` between: `dbPassword` is `db_password`.
    struct Folded {
        private(set) var bytes = InlineArray<64, UInt8>(repeating: 0)
        private(set) var count = 0

        init(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
            var previous: UInt8 = 0
            for index in max(start, end - 56)..<end {
                let byte = text[index]
                let isJoint = !(byte.isWord || byte >= 0x80)
                let begins =
                    byte.isUpper
                    && (previous.isLower || previous.isDigit
                        || previous.isUpper && text.at(index + 1).isLower && index + 1 < end)
                if isJoint || begins, count > 0, bytes[count - 1] != UInt8(ascii: "_") {
                    append(UInt8(ascii: "_"))
                }
                if !isJoint { append(byte.lowered) }
                previous = byte
            }
            while count > 0, bytes[count - 1] == UInt8(ascii: "_") { count -= 1 }
        }

        private mutating func append(_ byte: UInt8) {
            guard count < 64 else { return }
            bytes[count] = byte
            count += 1
        }

        func ends(_ word: StaticString) -> Bool {
            let length = word.utf8CodeUnitCount
            guard count >= length else { return false }
            return word.withUTF8Buffer { wanted in
                for index in 0..<length where unsafe wanted[index] != bytes[count - length + index]
                {
                    return false
                }
                return true
            }
        }

        /// As a word of its own, or as the whole name.
        func endsWord(_ word: StaticString) -> Bool {
            let length = word.utf8CodeUnitCount
            return ends(word)
                && (count == length || bytes[count - length - 1] == UInt8(ascii: "_"))
        }

        func has(_ word: StaticString) -> Bool {
            var shorter = self
            while shorter.count > 0 {
                if shorter.endsWord(word) { return true }
                while shorter.count > 0, shorter.bytes[shorter.count - 1] != UInt8(ascii: "_") {
                    shorter.count -= 1
                }
                if shorter.count > 0 { shorter.count -= 1 }
            }
            return false
        }
    }

    static func meaning(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Meaning? {
        meaning(Folded(text, start, end))
    }

    static func meaning(_ key: Folded) -> Meaning? {
        guard key.count >= 2 else { return nil }
        switch key.bytes[key.count - 1] {
        case UInt8(ascii: "d"), UInt8(ascii: "t"), UInt8(ascii: "s"), UInt8(ascii: "e"),
            UInt8(ascii: "w"), UInt8(ascii: "a"), UInt8(ascii: "y"), UInt8(ascii: "n"),
            UInt8(ascii: "l"), UInt8(ascii: "v"), UInt8(ascii: "c"), UInt8(ascii: "g"),
            UInt8(ascii: "k"), UInt8(ascii: "o"), UInt8(ascii: "h"), UInt8(ascii: "2"), 0x80...:
            break
        default: return nil
        }
        if isPassword(key) { return .password }
        if key.endsWord("cvv") || key.endsWord("cvc") || key.endsWord("cvv2")
            || key.endsWord("cvc2")
            || key.endsWord("csc") || key.endsWord("card_code") || key.endsWord("security_code")
        {
            return .cardCode
        }
        if key.endsWord("authorization") { return .authorization }
        if key.endsWord("signature") || key.endsWord("sig") || key.endsWord("hmac") {
            return .signature
        }
        if isSecret(key) { return .secret }
        let sessions: [StaticString] = [
            "session", "sessionid", "session_id", "sess", "sid", "phpsessid", "jsessionid",
            "aspsessionid", "asp_net_session_id", "remember_me", "jwt",
        ]
        return sessions.contains { key.endsWord($0) } || key.ends("sessid") || key.ends("sessionid")
            ? .session : nil
    }

    private static func isPassword(_ key: Folded) -> Bool {
        let anywhere: [StaticString] = [
            "password", "passwd", "passwort", "kennwort", "passphrase", "pass_phrase", "contraseña",
            "contrasena", "wachtwoord", "lösenord", "пароль", "密码", "密碼", "パスワード", "비밀번호",
            "adgangskode", "pass_word", "口令", "jelszó", "salasana",
        ]
        let words: [StaticString] = [
            "pwd", "pass", "pw", "psw", "mot_de_passe", "motdepasse", "senha", "clave", "hasło",
            "haslo", "parola", "heslo", "şifre", "sifre", "passcode", "passwords", "passord", "pin",
            "pincode", "pin_code", "passw",
        ]
        return anywhere.contains { key.ends($0) } || words.contains { key.endsWord($0) }
            || key.count <= 12 && key.ends("pass") && !key.ends("bypass") && !key.ends("compass")
                && key.count > 4 && key.has("db")
    }

    private static func isSecret(_ key: Folded) -> Bool {
        if key.ends("token") || key.endsWord("tokens") {
            let paging: [StaticString] = [
                "page", "next", "continuation", "sync", "cursor", "prev", "previous", "start",
                "resume", "design", "pad", "eos", "bos", "mask", "sep", "unk",
            ]
            return !paging.contains { key.has($0) } && !key.ends("pagetoken")
                && !key.ends("nexttoken")
        }
        if key.ends("secret") || key.endsWord("secrets") || key.ends("apikey")
            || key.ends("api_key")
        {
            return true
        }
        if key.endsWord("key") || key.ends("accesskey") || key.ends("secretkey")
            || key.ends("privatekey")
            || key.ends("accountkey") || key.ends("authkey")
        {
            let kinds: [StaticString] = [
                "secret", "access", "api", "auth", "private", "signing", "encryption", "account",
                "master", "service", "server", "consumer", "license", "licence", "subscription",
                "shared", "storage", "admin", "deploy", "session", "hmac", "app", "application",
                "client", "write", "rest", "decryption", "crypt", "cipher", "aes", "jwt", "webhook",
                "functions", "secretkey", "integration", "sas", "token",
            ]
            return key.ends("accesskey") || key.ends("secretkey") || key.ends("privatekey")
                || key.ends("accountkey") || key.ends("authkey") || kinds.contains { key.has($0) }
        }
        let words: [StaticString] = [
            "credential", "credentials", "auth", "bearer", "access_key_id", "sas", "api_secret",
            "key_secret", "authorization_code", "refresh", "otp_secret", "seed", "mnemonic",
            "client_assertion",
        ]
        return words.contains { key.endsWord($0) }
    }
}
