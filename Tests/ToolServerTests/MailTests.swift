import Enforcement
import Foundation
import JSON
import TestSupport
import Testing

@testable import Backends
@testable import ToolServer

/// Requests for approval as messages for the mail program of the machine.
@Suite struct MailTests {
    private let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent("toolserver-mail-\(UUID().uuidString)")

    init() throws {
        // As in every process that serves.
        signal(SIGPIPE, SIG_IGN)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    /// A mail program that does this, with its arguments and its input in files beside it.
    private func mail(_ script: String, to: [String] = ["fin@shop.example"]) throws
        -> NoticeSettings.Mail
    {
        let program = directory.appendingPathComponent("sendmail")
        try Data("#!/bin/sh\ncd '\(directory.path)'\n\(script)\n".utf8).write(to: program)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: program.path)
        return NoticeSettings.Mail(program: program.path, from: "tools@shop.example", to: to)
    }

    private func read(_ name: String) throws -> String {
        try String(contentsOf: directory.appendingPathComponent(name), encoding: .utf8)
    }

    /// A program that another test starts at the moment may still hold our script open for writing,
    /// as a copy of this process; nobody can run it then.
    private func deliver(_ message: [UInt8], _ delivery: SendmailDelivery) throws {
        for _ in 0..<10_000 {
            do throws(DeliveryFailure) {
                try delivery.deliver(message)
                return
            } catch {
                guard error.reason.hasSuffix("Text file busy") else { throw error }
            }
            sched_yield()
        }
        try delivery.deliver(message)
    }

    private static let keep = #"printf '%s\n' "$@" > words; env > variables; cat > message"#

    @Test func theMessageGoesInAsItIsAndTheArgumentsAreFixed() throws {
        let mail = try mail(Self.keep, to: ["fin@shop.example", "fio@shop.example"])
        let message = Array(String(repeating: "x $(id) `id` \"'\r\n", count: 20_000).utf8)
        try deliver(message, SendmailDelivery(mail: mail))
        #expect(try Data(contentsOf: directory.appendingPathComponent("message")) == Data(message))
        #expect(
            try read("words")
                == "-i\n-f\ntools@shop.example\n--\nfin@shop.example\nfio@shop.example\n")
        let names = try read("variables").split(separator: "\n").map {
            $0.prefix { $0 != "=" }
        }
        #expect(Set(names).isSubset(of: ["PATH", "PWD", "OLDPWD", "_", "SHLVL"]))
        try FileManager.default.removeItem(at: directory)
    }

    @Test func aProgramThatFailsIsNoDelivery() throws {
        for (script, reason) in [
            ("cat > /dev/null; exit 75", "the mail program ended with 75"),
            ("exit 0", "the mail program read no whole message"),
        ] {
            let mail = try mail(script)
            #expect(throws: DeliveryFailure(reason: reason)) {
                try deliver(
                    [UInt8](repeating: 65, count: 1 << 20), SendmailDelivery(mail: mail))
            }
        }
        let missing = NoticeSettings.Mail(program: "/nowhere/sendmail", from: "a@b", to: ["c@d"])
        #expect(throws: DeliveryFailure.self) {
            try SendmailDelivery(mail: missing).deliver([65])
        }
        try FileManager.default.removeItem(at: directory)
    }

    @Test func aProgramThatHangsIsKilled() throws {
        let mail = try mail("echo $$ > pid; exec sleep 600")
        let delivery = SendmailDelivery(mail: mail, limit: .milliseconds(300))
        #expect(throws: DeliveryFailure(reason: "the mail program took longer than 0.3 seconds")) {
            try deliver([65], delivery)
        }
        if let pid = pid_t(try read("pid").trimmingCharacters(in: .whitespacesAndNewlines)) {
            #expect(kill(pid, 0) == -1)
        }
        try FileManager.default.removeItem(at: directory)
    }

    /// Whatever a caller writes is text in the message, never a field of it.
    @Test func noValueEndsAFieldOrBeginsAnother() async throws {
        let rule = Rule(
            id: "refunds", effect: .approve, when: .always,
            reason: "money\r\nBcc: eve@evil.example",
            approval: ApprovalDemand(groups: ["finance"], hold: .zero))
        let policy = Policy(
            grants: GateFixture.grants, rules: [rule],
            masks: [MaskRule(id: "mail", target: .field("mail"), strategy: .redact)])
        let fixture = try GateFixture(
            tools: [.sample("refund", effect: .write, columns: [])], policy: policy)
        let injected = "x\r\nBcc: eve@evil.example\r\n\r\n.\r\nQUIT"
        _ = try await fixture.call(
            "refund", JSONObject(("note", .string(injected)), ("mail", "ada@shop.example")))
        let request = try #require(try await fixture.desk.list(.pending).first)
        let mail = NoticeSettings.Mail(
            program: "/x", from: "tools@shop.example", to: ["a@shop.example", "b@shop.example"])
        let rules = MaskRules(masks: ValueMasks(policy: policy), policy: policy)
        let id = NoticeMessage.id("mail", request)
        let message = String(
            decoding: NoticeMessage(request, rules).mail(mail, id: id), as: UTF8.self)
        let end = try #require(message.range(of: "\r\n\r\n"))
        let names = message[..<end.lowerBound].components(separatedBy: "\r\n").map {
            String($0.prefix { $0 != ":" })
        }
        #expect(
            names == [
                "From", "To", " b@shop.example", "Subject", "Message-ID", "Auto-Submitted",
                "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
            ])
        let body = message[end.upperBound...].components(separatedBy: "\r\n")
        #expect(body.allSatisfy { $0.utf8.count <= 76 })
        let text = String(
            decoding: try #require(Base64.decode(body.joined())), as: UTF8.self)
        #expect(text.contains(request.id.text) && text.contains("toolserver approvals show"))
        #expect(!text.contains("\r\nBcc:") && !text.contains("ada@shop.example"))
    }
}
