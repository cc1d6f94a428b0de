import Enforcement
import JSON

/// What an import makes, and what it has to say.
struct ImportResult {
    let backend: Name
    var files: [ImportedFile] = []
    var notes: [String] = []
    var toolCount = 0
}

/// One file of the manifests, to be written.
struct ImportedFile {
    /// From the manifests directory.
    let name: String
    let text: String

    init(name: String, comments: [String] = [], manifest: JSONValue) {
        self.name = name
        text = comments.map { "// \($0)\n" }.joined() + manifest.laidOut(columns: 120) + "\n"
    }

    init(name: String, statement: String) {
        self.name = name
        text = statement
    }

    /// Where a directory has none: whose tokens count. Over a pipe nobody is anybody yet.
    static func server(_ name: Name) -> ImportedFile {
        ImportedFile(
            name: "server.json",
            comments: [
                "For Claude on this machine: \"localUsers\": [{\"user\": LOGIN, \"subject\": YOU, \"groups\": […]}]."
            ],
            manifest: ["server": .string(name.text), "issuers": [["issuer": "local"]]])
    }
}

/// Names of tools that are taken.
struct UniqueNames {
    private var taken: Set<Name> = []

    mutating func unique(_ wanted: String) -> Name {
        var name = Name(wanted)
        var number = 2
        while !taken.insert(name).inserted {
            name = Name("\(wanted.prefix(60))_\(number)")
            number += 1
        }
        return name
    }
}

/// Words of a document as names of the dialect.
enum ImportedName {
    /// `listPetsByID` → `list_pets_by_id`; letters, digits and `_`, at most `limit` bytes.
    static func snake(_ text: String, atMost limit: Int = 60) -> String {
        var out: [UInt8] = []
        var previous: UInt8 = 0
        let bytes = Array(text.utf8)
        for (index, byte) in bytes.enumerated() {
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            if isUpper(byte) {
                let beginsWord = isLower(previous) || isUpper(previous) && isLower(next)
                if beginsWord, out.last != UInt8(ascii: "_"), !out.isEmpty {
                    out.append(UInt8(ascii: "_"))
                }
                out.append(byte | 0x20)
            } else if isWordByte(byte), byte != UInt8(ascii: "-"), byte != UInt8(ascii: "_") {
                out.append(byte)
            } else if !out.isEmpty, out.last != UInt8(ascii: "_") {
                out.append(UInt8(ascii: "_"))
            }
            previous = byte
        }
        out = Array(out.prefix(limit))
        while out.last == UInt8(ascii: "_") { out.removeLast() }
        guard let first = out.first else { return "value" }
        let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        return (isDigit ? "_" : "") + String(decoding: out, as: UTF8.self)
    }

    private static func isUpper(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static func isLower(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// On one line, without mark-up and what nobody sees; cut at a word.
    static func prose(_ text: String, atMost limit: Int) -> String {
        var out = ""
        var isInTag = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": isInTag = true
            case ">" where isInTag: isInTag = false
            case _ where isInTag: continue
            case _ where scalar.properties.isWhitespace || scalar.value < 0x20:
                if !out.isEmpty, out.utf8.last != 0x20 { out.append(" ") }
            case _ where isHidden(scalar): continue
            default: out.unicodeScalars.append(scalar)
            }
        }
        if out.utf8.count > limit {
            var cut = ""
            for word in out.split(separator: " ") {
                guard cut.utf8.count + word.utf8.count + 4 < limit else { break }
                cut += (cut.isEmpty ? "" : " ") + word
            }
            out = cut + " …"
        }
        while out.utf8.last == 0x20 { out.removeLast() }
        return out
    }
}
