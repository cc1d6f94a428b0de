import Foundation

/// One file of the package as lines, and as lines without comments and literals.
struct SourceText {
    /// From the root of the package: `Sources/JSON/Name.swift`.
    let path: String
    let lines: [String]
    /// The same lines; comments and the content of string literals are gone.
    let code: [String]

    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        code = Self.stripped(text).split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
    }

    var module: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }

    /// Read once for all tests.
    static let all = Result { try read() }

    private static func read() throws -> [SourceText] {
        let sources = root.appendingPathComponent("Sources")
        let files = FileManager.default.enumerator(atPath: sources.path)
        let names = (files?.allObjects as? [String] ?? []).filter { $0.hasSuffix(".swift") }
        return try names.sorted().map { name in
            let file = sources.appendingPathComponent(name)
            return SourceText(
                path: "Sources/" + name, text: try String(contentsOf: file, encoding: .utf8))
        }
    }

    /// A small scanner: enough for this package's style, which has no nested block comments.
    static func stripped(_ text: String) -> String {
        var rest = Array(text.utf8)[...]
        var kept: [UInt8] = []
        let slash = UInt8(ascii: "/")
        let quote = UInt8(ascii: "\"")
        let hash = UInt8(ascii: "#")
        while let byte = rest.first {
            if byte == slash, rest.dropFirst().first == slash {
                rest = rest.drop { $0 != UInt8(ascii: "\n") }
            } else if byte == quote || byte == hash && rest.dropFirst().first == quote {
                skipLiteral(&rest, &kept)
            } else {
                kept.append(byte)
                rest.removeFirst()
            }
        }
        return String(decoding: kept, as: UTF8.self)
    }

    /// Past one literal, raw and multi-line ones too. Interpolated code goes with it.
    private static func skipLiteral(_ rest: inout ArraySlice<UInt8>, _ kept: inout [UInt8]) {
        let isRaw = rest.first == UInt8(ascii: "#")
        if isRaw { rest = rest.dropFirst() }
        let isLong = rest.starts(with: "\"\"\"".utf8)
        let end = Array((isLong ? "\"\"\"" : "\"").utf8) + (isRaw ? [UInt8(ascii: "#")] : [])
        rest = rest.dropFirst(isLong ? 3 : 1)
        kept += Array("\"".utf8)
        while let byte = rest.first, byte != end[0] || !rest.starts(with: end) {
            if byte == UInt8(ascii: "\\"), !isRaw {
                if rest.dropFirst().first == UInt8(ascii: "(") {
                    skipInterpolation(&rest)
                    continue
                }
                rest.removeFirst()
            }
            if rest.first == UInt8(ascii: "\n") { kept.append(UInt8(ascii: "\n")) }
            rest.removeFirst()
        }
        kept += Array("\"".utf8)
        rest = rest.dropFirst(end.count)
    }

    private static func skipInterpolation(_ rest: inout ArraySlice<UInt8>) {
        rest = rest.dropFirst(2)
        var depth = 1
        while let byte = rest.first, depth > 0 {
            if byte == UInt8(ascii: "\"") {
                var dropped: [UInt8] = []
                skipLiteral(&rest, &dropped)
                continue
            }
            if byte == UInt8(ascii: "(") { depth += 1 }
            if byte == UInt8(ascii: ")") { depth -= 1 }
            rest.removeFirst()
        }
    }

    /// Each function, initializer and subscript with its first line and its number of lines.
    var functions: [(name: String, line: Int, count: Int)] {
        var found: [(name: String, line: Int, count: Int)] = []
        for (index, line) in code.enumerated() {
            guard let name = Self.declaredFunction(in: line),
                let last = lastLine(ofBodyAt: index)
            else { continue }
            found.append((name, index + 1, last - index + 1))
        }
        return found
    }

    private static func declaredFunction(in line: String) -> String? {
        guard line.contains("func ") || line.contains("init") || line.contains("subscript") else {
            return nil
        }
        let declared = line.firstMatch(
            of: /^\s*(?:[a-z@]+(?:\([a-z]+\))?\s+)*(?:func\s+([^\s(<]+)|(init|deinit|subscript)\b)/)
        return declared.map { String($0.1 ?? $0.2 ?? "") }
    }

    /// nil for a requirement of a protocol, which has no body.
    private func lastLine(ofBodyAt start: Int) -> Int? {
        var depth = 0
        var hasBody = false
        for index in start..<code.count {
            for character in code[index].utf8 {
                switch character {
                case UInt8(ascii: "{"):
                    depth += 1
                    hasBody = true
                case UInt8(ascii: "}"): depth -= 1
                default: break
                }
                if depth < 0 { return nil }
                if hasBody && depth == 0 { return index }
            }
            let isNext = index > start && Self.declaredFunction(in: code[index]) != nil
            if !hasBody && isNext { return nil }
        }
        return nil
    }
}
