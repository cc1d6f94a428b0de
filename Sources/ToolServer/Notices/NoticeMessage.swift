import Enforcement
import JSON

/// A request for approval as a place outside is told of it: values masked as for somebody of no
/// group, since whoever can read the place can read it.
struct NoticeMessage {
    private static let nobody = Caller(issuer: "", subject: "")
    /// Chat systems cut longer texts themselves, anywhere.
    private static let textMax = 2_500
    /// A caller's long reason must not push out what the call is.
    private static let lineMax = 400

    private let request: ApprovalRequest
    private let view: ApprovalView

    init(_ request: ApprovalRequest, _ rules: MaskRules) {
        self.request = request
        view = ApprovalView(request, for: Self.nobody, rules)
    }

    /// The same for each attempt; another one when somebody changed the request.
    static func id(_ notice: Name, _ request: ApprovalRequest) -> Name {
        Name("\(notice)/\(request.id)/\(request.edits.count)")
    }

    func body(_ shape: NoticeSettings.Shape) -> [UInt8] {
        switch shape {
        case .json:
            var value = JSONObject()
            value["event"] = "approval.asked"
            value["edit"] = .number(JSONNumber(request.edits.count))
            for member in view.json.object?.members ?? [] { value[member.name] = member.value }
            return JSONValue.object(value).bytes
        case .slack: return slack.bytes
        case .teams: return teams.bytes
        }
    }

    var title: String { "\(request.tool) waits for approval" }

    /// How to decide; nobody decides by reading.
    var step: String {
        let edit = request.edits.isEmpty ? "" : " --edit \(request.edits.count)"
        return "toolserver approvals show \(request.id), then approve \(request.id)\(edit)"
    }

    /// Never cut.
    var wholeLines: [String] { view.whole }

    private var lines: [String] {
        var lines: [String] = []
        var left = Self.textMax
        for line in view.whole.map({ printable($0, limit: Self.lineMax) }) {
            left -= line.unicodeScalars.count + 1
            guard left > 0 else { return lines + ["… more than fits here"] }
            lines.append(line)
        }
        return lines
    }

    private var slack: JSONValue {
        let text = Self.slackText(lines.joined(separator: "\n"))
        return [
            "text": .string(Self.slackText(title)),
            "blocks": [
                ["type": "header", "text": ["type": "plain_text", "text": .string(title)]],
                [
                    "type": "section",
                    "text": ["type": "mrkdwn", "text": .string("```\(text)```")],
                ],
                [
                    "type": "context",
                    "elements": [["type": "mrkdwn", "text": .string(Self.slackText(step))]],
                ],
            ],
        ]
    }

    /// What Slack takes for a sign of its own, and what would end the block of plain text.
    private static func slackText(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": shown += "&amp;"
            case "<": shown += "&lt;"
            case ">": shown += "&gt;"
            case "`": shown += "'"
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    private var teams: JSONValue {
        var body: [JSONValue] = [
            ["type": "TextBlock", "size": "Medium", "weight": "Bolder", "text": .string(title)]
        ]
        // Runs of text show as they are; a text block would read them as Markdown.
        body += (lines + [step]).map { line in
            [
                "type": "RichTextBlock",
                "inlines": [
                    ["type": "TextRun", "fontType": "Monospace", "text": .string(line)]
                ],
            ]
        }
        return [
            "type": "message",
            "attachments": [
                [
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "content": [
                        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                        "type": "AdaptiveCard", "version": "1.4", "body": .array(body),
                    ],
                ]
            ],
        ]
    }
}
