import JSON
import TestSupport
import Testing

@testable import Enforcement

@Suite struct KeptTests {
    @Test func whoeverChangesACallerChangesTheirOwn() {
        let ada = Caller(issuer: "i", subject: "ada", groups: ["a"])
        var other = ada
        other.groups = ["b"]
        other.claims["tenant"] = "t"
        #expect(ada.groups == ["a"] && ada.claims["tenant"] == nil)
        #expect(other.groups == ["b"] && other.claims["tenant"] == "t" && other.subject == "ada")
    }

    @Test func anExaminationThatWasChangedIsAnother() {
        let one = Examination(columns: [], reads: [], parameters: ["id"], isReadOnly: true)
        var other = one
        #expect(other.isSame(as: one))
        other.isReadOnly = false
        #expect(!other.isSame(as: one) && one.isReadOnly)
    }

    @Test func aPersonWithOtherGroupsIsTheSamePersonAndNotTheSameCaller() {
        let one = CallerID(issuer: "i", subject: "ada", groups: ["a"])
        let other = CallerID(issuer: "i", subject: "ada", groups: ["b"])
        #expect(one != other && one.isSamePerson(as: other))
        #expect(one == CallerID(issuer: "i", subject: "ada", groups: ["a"]))
        #expect(!one.isSamePerson(as: CallerID(issuer: "ia", subject: "da", groups: ["a"])))
        #expect(Set([one, other, .nobody]).count == 3)
    }

    /// Their groups say what they see, and the plan remembers it.
    @Test func twoWithOneNameAndOtherGroupsSeeWhatTheirGroupsMay() throws {
        let path = ColumnPath(schema: "public", table: "people", column: "mail")
        let policy = Policy(
            masks: [
                MaskRule(id: "mail", target: .column(backend: "shop", path), strategy: .redact)
            ],
            reveals: [
                RevealRule(
                    id: "open", target: .column(backend: "shop", path), groups: ["support"])
            ])
        let tool = try Tool.sample(columns: [Column("mail", from: path)])
        let guarded = GuardedTool(tool, policy: policy)
        let stage = ScopeStage(
            tools: [guarded], grants: [Grant(scopes: [tool.scope], subjects: ["ada"])])
        func view(_ groups: [Name]) throws -> MaskView {
            let caller = Caller(issuer: "i", subject: "ada", groups: groups)
            let call = ArrivedCall(
                caller: .supposed(caller), tool: tool.name.text, arguments: JSONObject(),
                via: Transport(kind: .stdio, address: ""))
            return guarded.masks.view(of: try stage.admit(.supposed(call)))
        }
        for _ in 0..<2 {
            #expect(try view([]).hidden == [true])
            #expect(try view(["support"]).hidden.isEmpty)
            #expect(try view(["support"]).reveals == ["open"])
        }
        #expect(try view(["support"]) === view(["support"]))
    }
}
