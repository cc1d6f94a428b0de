/// What the name of a field says that its value is: `DB_PASSWORD`, `apiKey`, `x-auth-token`.
enum KeyNames {
    enum Meaning: Sendable {
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
    }

    static func meaning(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Meaning? {
        KeyWords.shared.mayEnd(text, start, end) ? meaning(Folded(text, start, end)) : nil
    }

    static func meaning(_ key: Folded) -> Meaning? {
        guard let last = key.lastPair else { return nil }
        for entry in KeyWords.shared.entries(ending: last) where entry.ends(key) {
            if entry.meaning == .secret, isPaging(key) || key.ends("public_key_token") {
                return nil
            }
            return entry.meaning
        }
        return key.endsWord("key") && key.has(KeyWords.shared.owners) ? .secret : nil
    }

    /// `next_page_token`: where a list goes on, for anyone to see.
    private static func isPaging(_ key: Folded) -> Bool {
        guard key.ends("token") || key.ends("tokens") else { return false }
        return key.has(KeyWords.shared.pagings) || key.ends("pagetoken") || key.ends("nexttoken")
    }
}

/// The words that names of secrets end with.
struct KeyWords: Sendable {
    struct Entry: Sendable {
        let word: StaticString
        let meaning: KeyNames.Meaning
        /// Also behind other letters.
        let isAnywhere: Bool

        func ends(_ key: KeyNames.Folded) -> Bool {
            isAnywhere ? key.ends(word) : key.endsWord(word)
        }
    }

    static let shared = KeyWords()

    let owners: Set<UInt64>
    let pagings: Set<UInt64>
    /// By the place in `ends`; the first is empty.
    private let groups: [[Entry]]

    private init() {
        let entries =
            Self.anywhere.map { Entry(word: $0.0, meaning: $0.1, isAnywhere: true) }
            + Self.words.map { Entry(word: $0.0, meaning: $0.1, isAnywhere: false) }
        var ends = [UInt8](repeating: 0, count: 1 << 16)
        var groups: [[Entry]] = [[]]
        for (pair, group) in Dictionary(grouping: entries, by: \.word.lastPair) {
            ends[Int(pair)] = UInt8(groups.count)
            groups.append(group)
        }
        let key = Int(("key" as StaticString).lastPair)
        if ends[key] == 0 {
            ends[key] = UInt8(groups.count)
            groups.append([])
        }
        self.ends = ends
        self.groups = groups
        owners = Set(Self.ownerWords.split(separator: " ").map { KeyNames.hash(Array($0.utf8)) })
        pagings = Set(Self.pagingWords.split(separator: " ").map { KeyNames.hash(Array($0.utf8)) })
    }

    func entries(ending pair: UInt16) -> [Entry] { groups[Int(ends[Int(pair)])] }

    /// By the last two bytes in lower case: most names are none of them.
    private let ends: [UInt8]

    @inline(__always)
    func mayEnd(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        end - start >= 2 && ends[Int(text[end - 2].lowered) << 8 | Int(text[end - 1].lowered)] > 0
    }

    /// Also behind other letters: `PGPASSWORD`, `mytoken`.
    private static let anywhere: [(StaticString, KeyNames.Meaning)] = [
        ("password", .password), ("passwd", .password), ("passwort", .password),
        ("kennwort", .password), ("passphrase", .password), ("pass_phrase", .password),
        ("contraseña", .password), ("contrasena", .password), ("wachtwoord", .password),
        ("lösenord", .password), ("пароль", .password), ("密码", .password), ("密碼", .password),
        ("パスワード", .password), ("비밀번호", .password), ("口令", .password),
        ("adgangskode", .password), ("pass_word", .password), ("jelszó", .password),
        ("salasana", .password), ("token", .secret), ("secret", .secret), ("apikey", .secret),
        ("api_key", .secret), ("accesskey", .secret), ("secretkey", .secret),
        ("privatekey", .secret), ("accountkey", .secret), ("authkey", .secret),
        ("sessid", .session), ("sessionid", .session),
    ]

    /// As whole words.
    private static let words: [(StaticString, KeyNames.Meaning)] = [
        ("pwd", .password), ("pass", .password), ("pw", .password), ("psw", .password),
        ("mot_de_passe", .password), ("motdepasse", .password), ("senha", .password),
        ("clave", .password), ("hasło", .password), ("haslo", .password), ("parola", .password),
        ("heslo", .password), ("şifre", .password), ("sifre", .password), ("passcode", .password),
        ("passwords", .password), ("passord", .password), ("pin", .password),
        ("pincode", .password), ("pin_code", .password), ("dbpass", .password),
        ("psk", .password), ("storepass", .password), ("keypass", .password),
        ("tokens", .secret), ("secrets", .secret), ("credential", .secret),
        ("credentials", .secret), ("auth", .secret), ("bearer", .secret),
        ("access_key_id", .secret), ("sas", .secret), ("authorization_code", .secret),
        ("refresh", .secret), ("seed", .secret), ("mnemonic", .secret),
        ("client_assertion", .secret), ("secret_key_base", .secret), ("cvv", .cardCode),
        ("cvc", .cardCode),
        ("cvv2", .cardCode), ("cvc2", .cardCode), ("csc", .cardCode), ("card_code", .cardCode),
        ("security_code", .cardCode), ("authorization", .authorization),
        ("signature", .signature), ("sig", .signature), ("hmac", .signature),
        // Of a Digest.
        ("response", .signature),
        ("session", .session), ("session_id", .session), ("sess", .session), ("sid", .session),
        ("asp_net_session_id", .session), ("remember_me", .session), ("jwt", .session),
    ]

    /// Whose key is a secret; a key may also be a column or a place on a keyboard.
    private static let ownerWords = """
        secret access api auth private signing encryption account master service server consumer \
        license licence subscription shared storage admin deploy session hmac app application \
        client write rest decryption crypt cipher aes jwt webhook functions integration sas token
        """

    private static let pagingWords = """
        page next continuation sync cursor prev previous start resume design pad eos bos mask sep unk
        """
}

extension StaticString {
    fileprivate var lastPair: UInt16 {
        withUTF8Buffer { bytes in
            unsafe UInt16(bytes[bytes.count - 2]) << 8 | UInt16(bytes[bytes.count - 1])
        }
    }
}

extension KeyNames {
    /// FNV-1a.
    fileprivate static func hash(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

extension KeyNames.Folded {
    fileprivate var lastPair: UInt16? {
        count < 2 ? nil : UInt16(bytes[count - 2]) << 8 | UInt16(bytes[count - 1])
    }

    /// Whether one of the words of the name has one of these hashes.
    fileprivate func has(_ words: Set<UInt64>) -> Bool {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in 0..<count {
            guard bytes[index] == UInt8(ascii: "_") else {
                hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01b3
                continue
            }
            if words.contains(hash) { return true }
            hash = 0xcbf2_9ce4_8422_2325
        }
        return words.contains(hash)
    }
}
