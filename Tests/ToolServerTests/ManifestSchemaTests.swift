import Enforcement
import Foundation
import JSON
import Testing

@testable import ToolServer

/// Where `manifests/schema` describes each object that the loader reads.
private let described: [(file: String, path: [String], keys: KeySet)] = [
    ("server", [], ServerManifest.keys),
    ("server", ["properties", "http"], ServerManifest.httpKeys),
    ("server", ["properties", "http", "properties", "tls"], TLSManifest.keys),
    (
        "server", ["properties", "http", "properties", "tls", "properties", "key"],
        TLSManifest.secretKeys
    ),
    ("server", ["properties", "state"], ServerManifest.stateKeys),
    ("server", ["$defs", "localIssuer"], IssuerManifest.localKeys),
    ("server", ["$defs", "issuer"], IssuerManifest.keys),
    ("server", ["$defs", "issuer", "properties", "jwks"], IssuerManifest.jwksKeys),
    ("server", ["$defs", "samlIssuer"], SAMLManifest.issuerKeys),
    ("server", ["$defs", "saml"], SAMLManifest.keys),
    ("server", ["$defs", "certificateIssuer"], CertificateManifest.issuerKeys),
    ("server", ["$defs", "clients"], CertificateManifest.keys),
    ("server", ["$defs", "clientCaller"], CertificateManifest.callerKeys),
    ("server", ["$defs", "groups"], IssuerManifest.groupsKeys),
    ("server", ["properties", "localUsers", "items"], ServerManifest.localUserKeys),
    ("server", ["properties", "limits"], ServerManifest.limitKeys),
    ("server", ["properties", "record"], RecorderManifest.keys),
    ("server", ["properties", "retention"], RetentionManifest.keys),
    ("server", ["properties", "bodies"], BodyManifest.keys),
    ("server", ["properties", "bodies", "properties", "keep", "items"], BodyManifest.keepKeys),
    (
        "server", ["properties", "retention", "properties", "classes", "items"],
        RetentionManifest.classKeys
    ),
    (
        "server", ["properties", "retention", "properties", "holds", "items"],
        RetentionManifest.holdKeys
    ),
    ("server", ["$defs", "stream"], StreamManifest.keys),
    ("server", ["$defs", "witness"], WitnessManifest.keys),
    ("server", ["$defs", "notice"], NoticeManifest.keys),
    ("server", ["$defs", "mailNotice"], NoticeManifest.mailKeys),
    ("server", ["$defs", "noticePerson"], NoticeManifest.personKeys),
    ("server", ["properties", "console"], ConsoleManifest.keys),
    ("server", ["properties", "metrics"], MetricsManifest.keys),
    ("server", ["$defs", "stream", "properties", "behind"], StreamManifest.boundKeys),
    ("backend", ["$defs", "sqlite"], BackendManifest.sqliteKeys),
    ("backend", ["$defs", "http"], HTTPManifest.keys),
    ("backend", ["$defs", "auth"], HTTPManifest.authKeys),
    ("backend", ["$defs", "basic"], HTTPManifest.basicKeys),
    ("backend", ["$defs", "header"], HTTPManifest.headerKeys),
    ("backend", ["$defs", "oauth"], HTTPManifest.oauthKeys),
    ("backend", ["$defs", "aws"], HTTPManifest.awsKeys),
    ("backend", ["$defs", "clientTLS"], HTTPManifest.tlsKeys),
    ("backend", ["$defs", "httpPool"], HTTPManifest.poolKeys),
    ("backend", ["$defs", "timeouts"], HTTPManifest.timeoutKeys),
    ("backend", ["$defs", "postgres"], PostgresManifest.keys),
    ("backend", ["$defs", "pool"], PostgresManifest.poolKeys),
    ("backend", ["$defs", "asCaller"], PostgresManifest.asCallerKeys),
    ("backend", ["$defs", "secret"], Node.secretKeys),
    ("server", ["$defs", "secret"], Node.secretKeys),
    ("server", ["$defs", "introspection"], IssuerManifest.introspectionKeys),
    ("tool", [], ToolManifest.keys),
    ("tool", ["properties", "limits"], ToolManifest.limitKeys),
    ("tool", ["$defs", "file"], ToolManifest.fileKeys),
    ("tool", ["$defs", "http"], HTTPToolManifest.keys),
    ("tool", ["$defs", "result"], HTTPToolManifest.resultKeys),
    ("tool", ["$defs", "confirm"], ToolManifest.confirmKeys),
    ("tool", ["$defs", "prompt"], PromptManifest.keys),
    ("tool", ["$defs", "completion"], PromptManifest.sourceKeys),
    ("tool", ["$defs", "property"], InputManifest.propertyKeys),
    ("policy", [], PolicyManifest.keys),
    ("policy", ["$defs", "grant"], GrantManifest.keys),
    ("policy", ["$defs", "access"], AccessManifest.keys),
    ("policy", ["$defs", "grantees"], GrantManifest.toKeys),
    ("policy", ["$defs", "deny"], PolicyManifest.denyKeys),
    ("policy", ["$defs", "approve"], PolicyManifest.approveKeys),
    ("policy", ["$defs", "approvers"], PolicyManifest.approverKeys),
    ("policy", ["$defs", "escalate"], PolicyManifest.escalateKeys),
    ("policy", ["$defs", "force"], PolicyManifest.forceKeys),
    ("policy", ["$defs", "limit"], PolicyManifest.limitKeys),
    ("policy", ["$defs", "case"], CaseManifest.keys),
    ("policy", ["$defs", "caseCaller"], CaseManifest.callerKeys),
    ("policy", ["$defs", "quota"], QuotaManifest.keys),
    ("policy", ["$defs", "mask"], PolicyManifest.maskKeys),
    ("policy", ["$defs", "reveal"], PolicyManifest.revealKeys),
    ("policy", ["$defs", "detector"], ValueManifest.detectorKeys),
    ("policy", ["$defs", "revealTo"], PolicyManifest.revealToKeys),
    ("policy", ["$defs", "hours"], TimeManifest.hoursKeys),
    ("policy", ["$defs", "tests"], Enforcement.Test.keys),
]

private func schema(_ name: String) throws -> JSONValue {
    let file = shippedManifests.appendingPathComponent("schema/\(name).schema.json")
    return try JSONParser.parseManifest([UInt8](Data(contentsOf: file))).plain()
}

private func value(at path: [String], in schema: JSONValue) -> JSONValue? {
    path.reduce(schema as JSONValue?) { value, key in value?[key] }
}

@Test func editorsAreToldExactlyTheKeysThatTheLoaderReads() throws {
    for (file, path, keys) in described {
        let object = try #require(value(at: path, in: schema(file)), "\(file) \(path)")
        let properties = try #require(object["properties"]?.object)
        #expect(properties.members.map(\.name).sorted() == keys.all.sorted(), "\(file) \(path)")
        let required = object["required"]?.array?.compactMap(\.string) ?? []
        #expect(required.sorted() == keys.required.sorted(), "\(file) \(path)")
        #expect(object["additionalProperties"]?.bool == false, "\(file) \(path)")
    }
}

/// The other direction: an object in the schema that this table leaves out.
@Test func everyObjectThatEditorsKnowIsComparedWithTheLoader() throws {
    for name in ["server", "backend", "tool", "policy"] {
        var found: [[String]] = []
        collectClosedObjects(in: try schema(name), at: [], into: &found)
        let compared = described.filter { $0.file == name }.map(\.path)
        let rest = found.filter { !compared.contains($0) && $0 != ["$defs", "condition"] }
        #expect(rest == [], "\(name)")
    }
}

private func collectClosedObjects(
    in value: JSONValue, at path: [String], into found: inout [[String]]
) {
    guard let object = value.object else { return }
    if object["additionalProperties"]?.bool == false { found.append(path) }
    for member in object.members {
        collectClosedObjects(in: member.value, at: path + [member.name], into: &found)
    }
}

@Test func everyKeyIsDescribedForEditors() throws {
    for (file, path, _) in described {
        let document = try schema(file)
        let object = try #require(value(at: path, in: document))
        for (name, property) in object["properties"]?.object?.members ?? [] {
            let target = property["$ref"]?.string.map {
                $0.split(separator: "/").dropFirst().map(String.init)
            }
            let referred = target.flatMap { value(at: $0, in: document) }
            let text = (property["description"] ?? referred?["description"])?.string
            #expect(text?.isEmpty == false, "\(file) \(path) \(name)")
        }
    }
}

@Test func editorsKnowEveryFactAndCombinator() throws {
    let condition = try #require(value(at: ["$defs", "condition"], in: schema("policy")))
    let names = condition["properties"]?.object?.members.map(\.name) ?? []
    #expect(
        names.sorted()
            == (Fact.plain.map(\.name) + Condition.combinators).sorted())
    #expect(condition["patternProperties"]?.object?.count == Fact.named.count)
}

@Test func editorsKnowTheWordsThatTheLoaderKnows() throws {
    let mask = value(at: ["$defs", "mask", "properties", "with", "enum"], in: try schema("policy"))
    #expect(mask?.array?.compactMap(\.string) == PolicyManifest.strategies)
    let types = value(
        at: ["$defs", "property", "properties", "type", "enum"], in: try schema("tool"))
    #expect(types?.array?.compactMap(\.string) == InputManifest.scalarTypes)
}

@Test func aSecretIsAReference() {
    let cases: [(String, [String])] = [
        (#"{"env": "P"}"#, []), (#"{"file": "p"}"#, []), (#"{"exec": ["pass", "show"]}"#, []),
        (#""hunter2""#, ["1:1"]), (#"{"env": "P", "file": "p"}"#, ["1:1"]), ("{}", ["1:1"]),
        (#"{"exec": "pass show"}"#, ["1:10"]), (#"{"env": "a b"}"#, ["1:9"]),
    ]
    for (text, places) in cases {
        let file = ManifestFile(name: "f", bytes: Array(text.utf8))
        guard let value = try? JSONParser.parseManifest(file.bytes) else { continue }
        let findings = Findings()
        let node = Node(value: value, place: file.start, findings: findings)
        #expect((node.secret(under: "/m") != nil) == places.isEmpty, "\(text)")
        let problems = findings.error?.problems ?? []
        #expect(problems.map { "\($0.line):\($0.column)" } == places, "\(text)")
        #expect(problems.allSatisfy { !$0.text.contains("hunter2") })
    }
}

@Test func editorsAcceptEveryManifestOfTheDemo() throws {
    for (kind, files) in [
        ("server", ["server.json"]), ("backend", ["backends/shop.json"]),
        ("policy", ["policy/shop.json"]),
        ("tool", ["customer_by_id", "find_customers", "change_plan"].map { "tools/\($0).json" }),
    ] {
        let check = try JSONSchema(schema(kind))
        for file in files {
            let url = shippedManifests.appendingPathComponent("demo/\(file)")
            let manifest = try JSONParser.parseManifest([UInt8](Data(contentsOf: url))).plain()
            #expect(check.violations(in: manifest) == [], "\(file)")
            let wrong = JSONObject(distinct: (manifest.object?.members ?? []) + [("wrong", 1)])
            #expect(check.violations(in: .object(wrong)).count == 1, "\(file)")
        }
    }
}
