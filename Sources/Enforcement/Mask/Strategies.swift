import JSON

/// What each strategy makes of one whole value of a column or field.
extension MaskRule.Strategy {
    var strictness: Int { Self.allCases.firstIndex(of: self) ?? .max }

    /// The others keep the type, or leave nothing.
    var makesText: Bool { self == .redact || self == .partial || self == .pseudonym }

    /// Whether what stands in the place of a value is the same for all values of a type.
    var hidesAll: Bool { self == .redact || self == .null || self == .zero }

    /// A value of a document. Null stays null; the type changes only where it must.
    func masked(_ value: JSONValue, label: String, masks: ValueMasks) -> JSONValue {
        switch (self, value) {
        case (.keep, _), (_, .null): return value
        case (.null, _): return .null
        case (.zero, .number): return .number(JSONNumber(0))
        case (.zero, .bool): return .bool(false)
        case (.zero, _): return .string("")
        case (.redact, _): return .string("[\(label)]")
        case (.partial, .string(let text)):
            return .string(String(decoding: Partial.masked(Array(text.utf8)[...]), as: UTF8.self))
        case (.partial, .number(let number)):
            return .string(
                String(decoding: Partial.masked(Array(number.text.utf8)[...]), as: UTF8.self))
        case (.pseudonym, .string(let text)):
            return .string(
                String(decoding: token(for: text.utf8.span, label, masks), as: UTF8.self))
        case (.pseudonym, .number(let number)):
            return .string(
                String(decoding: token(for: number.text.utf8.span, label, masks), as: UTF8.self))
        case (.partial, _), (.pseudonym, _): return .string("[\(label)]")
        }
    }

    /// The token of a whole value. A value that is of one known kind gets the token that it has
    /// everywhere, whatever its column is called.
    func token(for value: Span<UInt8>, _ label: String, _ masks: ValueMasks) -> [UInt8] {
        if Pseudonym.isToken(value) {
            return unsafe value.withUnsafeBufferPointer { unsafe Array($0) }
        }
        guard let pseudonym = masks.pseudonym else { return Array("[\(label)]".utf8) }
        var scanner = ValueScanner(wanted: .everything)
        let key = label.utf8.span
        scanner.scan(value, around: key.cues(before: key.count))
        var kind = NamedValues.name(key).flatMap { $0.kind(of: value) }
        if let whole = scanner.findings.first, whole.start == value.end(of: 0, { $0.isSpace }),
            value.end(of: whole.end, { $0.isSpace }) == value.count,
            case .kind(let found) = whole.what
        {
            kind = found
        }
        return pseudonym.token(
            for: value, kind,
            label: kind.map { Array($0.rawValue.utf8) } ?? Pseudonym.kind(of: label))
    }
}
