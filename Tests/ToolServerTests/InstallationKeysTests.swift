import Enforcement
import Foundation
import JSON
import TestSupport
import Testing

@testable import ToolServer

@Suite final class InstallationKeysTests {
    private let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent("keys-\(UUID().uuidString)").path
    private let clock = ManualClock()
    private let rules = IssuerRules(issuer: "local", audience: "shop", algorithms: [.es256])

    private var installation: Installation { Installation(directory: directory) }

    init() throws { try Installation(directory: directory).prepare() }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    private func keys() throws -> InstallationKeys {
        let clock = clock
        return try InstallationKeys(installation, now: { clock.now })
    }

    private func claims() -> JSONObject {
        JSONObject(distinct: [
            ("iss", "local"), ("aud", "shop"), ("sub", "ada"),
            ("iat", .number(JSONNumber(clock.now))), ("exp", .number(JSONNumber(clock.now + 600))),
        ])
    }

    private func isGood(_ token: String, _ keys: InstallationKeys) async -> Bool {
        let issuers = TrustedIssuers([TokenVerifier(rules, keys: keys)])
        return (try? await issuers.caller(of: token, now: clock.now)) != nil
    }

    private func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(
            atPath: "\(directory)/keys/\(name)")
        return try #require(attributes[.posixPermissions] as? Int)
    }

    @Test func theKeysAreForThisUserAlone() throws {
        _ = try keys()
        _ = try installation.rotateTokenKey(atOnce: false, now: clock.now)
        #expect(try mode("token.pem") == 0o600)
        #expect(try mode("token.retired.json") == 0o600)
    }

    @Test func tokensOfAnOldKeyAreGoodUntilTheLastOfThemEnds() async throws {
        let keys = try keys()
        let old = try keys.sign(claims())
        let ring = try installation.rotateTokenKey(atOnce: false, now: clock.now)
        #expect(ring.retired.count == 1)
        clock.advance(by: 1)
        let new = try keys.sign(claims())
        #expect(await isGood(old, keys))
        #expect(await isGood(new, keys))
        #expect(ring.publicKeys(at: clock.now).count == 2)
        #expect(ring.publicKeys(at: clock.now + KeyRing.lifetimeMax).count == 1)
    }

    /// As another process rotates them, in the same second.
    @Test func aKeyThatIsNotKnownIsLookedForAtOnce() async throws {
        let keys = try keys()
        _ = try keys.sign(claims())
        _ = try installation.rotateTokenKey(atOnce: false, now: clock.now)
        let new = try LocalToken.sign(claims(), with: installation.tokenKey())
        #expect(await isGood(new, keys))
    }

    @Test func aKeyThatIsTakenBackEndsItsTokens() async throws {
        let keys = try keys()
        let old = try keys.sign(claims())
        _ = try installation.rotateTokenKey(atOnce: false, now: clock.now)
        let generation = keys.generation
        _ = try installation.rotateTokenKey(atOnce: true, now: clock.now)
        clock.advance(by: 1)
        keys.touch()
        #expect(keys.generation > generation)
        #expect(await !isGood(old, keys))
        #expect(keys.document["keys"]?.array?.count == 1)
    }

    @Test func nobodyIsBelievedWhereTheKeysCannotBeRead() async throws {
        let keys = try keys()
        let token = try keys.sign(claims())
        #expect(await isGood(token, keys))
        for damage in ["{}", "{\"keys\":[{}]}", "x"] {
            try Data(damage.utf8).write(
                to: URL(fileURLWithPath: "\(directory)/keys/token.retired.json"))
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: "\(directory)/keys/token.retired.json")
            clock.advance(by: 1)
            keys.touch()
            #expect(await !isGood(token, keys))
            #expect(throws: CommandFailure.self) { try keys.sign(self.claims()) }
        }
        try FileManager.default.removeItem(atPath: "\(directory)/keys/token.retired.json")
        clock.advance(by: 1)
        #expect(await isGood(token, keys))
    }

    @Test func othersReadThePublicHalvesAlone() throws {
        let keys = try keys()
        _ = try installation.rotateTokenKey(atOnce: false, now: clock.now)
        clock.advance(by: 1)
        let published = try #require(keys.document["keys"]?.array)
        #expect(published.count == 2)
        for key in published {
            #expect(key["d"] == nil)
            #expect(key["kid"]?.string != nil)
            #expect(key["use"] == "sig")
        }
    }

    @Test func rotationsAreBounded() throws {
        for _ in 0..<KeyRing.retiredMax {
            _ = try installation.rotateTokenKey(atOnce: false, now: clock.now)
        }
        #expect(throws: CommandFailure.self) {
            try self.installation.rotateTokenKey(atOnce: false, now: self.clock.now)
        }
        let later = clock.now + KeyRing.lifetimeMax
        #expect(try installation.rotateTokenKey(atOnce: false, now: later).retired.count == 1)
    }
}
