/// What the name of a field or column says about its value where the value alone does not:
/// `password`, `ssn`, `dob`, `cardNumber`. Case and separators do not count.
enum NamedValues {
    /// Names of identifiers, written as `KeyNames` folds them.
    private static let identifiers: [(StaticString, ValueKind)] = [
        ("ssn", .ssn), ("social_security", .ssn), ("social_security_number", .ssn),
        ("social_security_no", .ssn), ("socialsecuritynumber", .ssn), ("ss_number", .ssn),
        ("card_number", .card), ("cardnumber", .card), ("card_no", .card), ("cc_number", .card),
        ("ccnumber", .card), ("credit_card", .card), ("creditcard", .card), ("card_num", .card),
        ("debit_card", .card), ("credit_card_number", .card), ("pan", .card), ("card", .card),
        ("iban", .iban), ("account_iban", .iban),
        ("dob", .birthDate), ("date_of_birth", .birthDate), ("dateofbirth", .birthDate),
        ("birth_date", .birthDate), ("birthdate", .birthDate), ("birthday", .birthDate),
        ("birth_day", .birthDate), ("geburtsdatum", .birthDate), ("date_naissance", .birthDate),
        ("born_on", .birthDate),
        ("passport", .passport), ("passport_number", .passport), ("passport_no", .passport),
        ("passportnumber", .passport), ("passport_id", .passport),
        ("national_id", .nationalID), ("national_id_number", .nationalID), ("tax_id", .nationalID),
        ("taxid", .nationalID), ("nino", .nationalID), ("cpf", .nationalID), ("nif", .nationalID),
        ("dni", .nationalID), ("pesel", .nationalID), ("aadhaar", .nationalID),
        ("aadhar", .nationalID), ("bsn", .nationalID), ("personnummer", .nationalID),
        ("codice_fiscale", .nationalID), ("nhs_number", .nationalID), ("steuer_id", .nationalID),
        ("driver_license", .nationalID), ("drivers_license", .nationalID),
        ("driving_licence", .nationalID), ("license_number", .nationalID),
        ("imei", .imei), ("phone", .phone), ("phone_number", .phone), ("phonenumber", .phone),
        ("mobile", .phone), ("mobile_number", .phone), ("telephone", .phone), ("tel", .phone),
        ("fax", .phone), ("cell_phone", .phone),
    ]

    /// Nil for a name that says nothing.
    static func name(_ text: Span<UInt8>) -> Named? {
        let folded = KeyNames.Folded(text, 0, text.count)
        if let (_, kind) = identifiers.first(where: { folded.endsWord($0.0) }) {
            return .identifier(kind)
        }
        switch KeyNames.meaning(folded) {
        case .cardCode: return .identifier(.cardCode)
        case .password: return .password
        case .secret: return .secret(.apiKey)
        case .session, .authorization: return .secret(.token)
        case .signature, nil: return nil
        }
    }

    enum Named: Sendable {
        case identifier(ValueKind)
        /// Any value at all, as long as it is one.
        case password
        /// A value that looks like a key.
        case secret(ValueKind)

        var isSecret: Bool { if case .identifier = self { false } else { true } }

        /// What `value` is by its name; nil where it is nothing that needs a mask.
        func kind(of value: Span<UInt8>, isNumber: Bool = false) -> ValueKind? {
            guard value.count > 0, !Pseudonym.isToken(value),
                !Assignments.isPlaceholder(value, 0, value.count)
            else { return nil }
            switch self {
            case .password: return isNumber && value.count < 4 ? nil : .password
            case .secret(let kind):
                let strength = Strength(value, 0, value.count)
                return strength.isRandom && Assignments.isNoPath(value, 0, value.count) ? kind : nil
            case .identifier(let kind):
                return digits(of: value) >= Self.digitsMin(kind) ? kind : nil
            }
        }

        private func digits(of value: Span<UInt8>) -> Int {
            var plain = MappedText()
            var count = 0
            let isPlain = !Normal.write(value, into: &plain)
            for index in 0..<(isPlain ? value.count : plain.bytes.count) {
                if isPlain ? value[index].isDigit : plain.bytes[index].isDigit { count += 1 }
            }
            return count
        }

        private static func digitsMin(_ kind: ValueKind) -> Int {
            switch kind {
            case .ssn: 9
            case .card, .imei: 12
            case .iban: 8
            case .birthDate: 4
            case .cardCode: 3
            case .phone: 7
            default: 4
            }
        }
    }
}
