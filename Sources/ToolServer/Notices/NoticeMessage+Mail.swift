import Enforcement
import JSON

extension NoticeMessage {
    /// A message for a mail program. Its text is in base64, and its fields hold nothing that
    /// somebody outside wrote but the tool's name: no value can end a field or begin another.
    func mail(_ mail: NoticeSettings.Mail, id: Name) -> [UInt8] {
        let domain = mail.from.utf8.split(separator: UInt8(ascii: "@")).last.map {
            String(decoding: $0, as: UTF8.self)
        }
        let fields = [
            ("From", mail.from), ("To", mail.to.joined(separator: ",\r\n ")),
            ("Subject", "Approval: \(Self.plain(title))"),
            // The same for each attempt, so that a second copy can be told.
            ("Message-ID", "<\(SHA256.digest(id.text).hex.prefix(32))@\(domain ?? "localhost")>"),
            ("Auto-Submitted", "auto-generated"), ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"), ("Content-Transfer-Encoding", "base64"),
        ]
        let head = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
        let text = ([title, ""] + wholeLines + ["", step]).joined(separator: "\r\n") + "\r\n"
        return Array("\(head)\r\n\(Self.base64(Array(text.utf8)))".utf8)
    }

    private static func plain(_ text: String) -> String {
        String(decoding: text.utf8.map { (0x20...0x7E).contains($0) ? $0 : 0x3F }, as: UTF8.self)
    }

    /// RFC 2045 6.8: lines of at most 76 letters.
    private static func base64(_ bytes: [UInt8]) -> String {
        let text = Base64.encodedBytes(bytes)
        return stride(from: 0, to: text.count, by: 76).map { start in
            String(decoding: text[start..<min(start + 76, text.count)], as: UTF8.self) + "\r\n"
        }.joined()
    }
}
