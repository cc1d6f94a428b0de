/// International bank account numbers: length by country, then ISO/IEC 7064 MOD 97-10.
enum IBANs {
    /// The registry of SWIFT, and the countries that use the form without being in it.
    private static let lengths: [UInt16: Int] = {
        let registry = """
            AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 \
            DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 \
            IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 \
            MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 \
            SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30 AO25 \
            BF28 BJ28 CF27 CG27 CI28 CM27 CV25 DZ26 GA27 GQ27 GW25 IR26 KM27 MA28 MG27 ML28 MZ25 NE28 \
            SN28 TD27 TG28
            """
        var table: [UInt16: Int] = [:]
        for entry in registry.split(separator: " ") {
            let bytes = Array(entry.utf8)
            table[UInt16(bytes[0]) << 8 | UInt16(bytes[1])] =
                Int(bytes[2] - 0x30) * 10 + Int(bytes[3] - 0x30)
        }
        return table
    }()

    static func find(_ text: Span<UInt8>, at start: Int) -> Finding? {
        let first = text[start] & 0xDF
        let second = text.at(start + 1) & 0xDF
        guard let length = lengths[UInt16(first) << 8 | UInt16(second)] else { return nil }
        var rest = 0
        var taken = 0
        var index = start
        var head = 0
        while taken < length {
            let byte = text.at(index)
            guard byte.isWord else {
                // One separator between groups, or ` - `.
                let next = text.end(of: index, atMost: 3) { isSeparator($0) }
                guard taken > 3, text.at(next).isWord,
                    next == index + 1 || next == index + 3 && text[index] == text[index + 2]
                else { return nil }
                index = next
                continue
            }
            let value = byte.isDigit ? Int(byte - 0x30) : Int(byte & 0xDF) - 55
            if taken < 4 {
                if taken > 1, !byte.isDigit { return nil }
                head = value < 10 ? head * 10 + value : head * 100 + value
            } else {
                rest = (value < 10 ? rest * 10 + value : rest * 100 + value) % 97
            }
            taken += 1
            index += 1
        }
        // The first four characters are moved to the end.
        guard (rest * 1_000_000 + head) % 97 == 1, !text.at(index).isWord else { return nil }
        return Finding(.iban, start, index)
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t")
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "/")
    }
}
