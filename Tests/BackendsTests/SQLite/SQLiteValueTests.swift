import Enforcement
import JSON
import Testing

@testable import Backends

@Suite struct SQLiteValueTests {
    @Test(arguments: [
        "0", "-1", "9223372036854775807", "-9223372036854775808", "9007199254740993",
    ])
    func integersOf64BitsComeBackDigitForDigit(text: String) async throws {
        let fixture = try SQLiteFixture()
        let number = JSONValue.number(JSONNumber(validated: text))
        let result = try await fixture.run(
            "SELECT :n, typeof(:n)", .read, arguments(("n", number)))
        #expect(result.cells == [["number \(text)", "text integer"]])
    }

    @Test(arguments: [
        ("1.10", "1.1"), ("0.1", "0.1"), ("-2.5e-3", "-0.0025"), ("1e300", "1e+300"),
        ("1.0", "1.0"), ("5e-324", "5e-324"), ("0.30000000000000004", "0.30000000000000004"),
    ])
    func realsComeBackAsTheShortestTextOfTheSameValue(sent: String, received: String) async throws {
        let fixture = try SQLiteFixture()
        let number = JSONValue.number(JSONNumber(validated: sent))
        let result = try await fixture.run(
            "SELECT :n, typeof(:n)", .read, arguments(("n", number)))
        #expect(result.cells == [["number \(received)", "text real"]])
    }

    @Test(arguments: [
        "9223372036854775808", "9007199254740993.0", "1e400", "3.14159265358979323846",
        "0.1000000000000000000001", "1e99999999999999999999", "1e-400",
    ])
    func numbersThatWouldLoseDigitsAreRefused(text: String) async throws {
        let fixture = try SQLiteFixture()
        let number = JSONValue.number(JSONNumber(validated: text))
        let reason = await fixture.reason {
            _ = try await fixture.run("SELECT :n", .read, arguments(("n", number)))
        }
        #expect(reason == .argument)
    }

    @Test(arguments: ["", "it's \"quoted\"", "🙂 e\u{301}", "a\u{0}b", "'; DROP TABLE users; --"])
    func textComesBackByteForByte(text: String) async throws {
        let fixture = try SQLiteFixture()
        let result = try await fixture.run("SELECT :t", .read, arguments(("t", .string(text))))
        let cell = result.rows[row: 0, column: 0]
        #expect(Array(result.rows.content(of: cell)) == Array(text.utf8))
    }

    @Test func otherKindsOfArgumentsHaveOneMeaningEach() async throws {
        let fixture = try SQLiteFixture()
        let result = try await fixture.run(
            "SELECT :yes, :no, :nothing, :absent, :list", .read,
            arguments(("yes", true), ("no", false), ("nothing", .null), ("list", [1, "a"])))
        #expect(
            result.cells == [["number 1", "number 0", "null", "null", #"text [1,"a"]"#]])
    }

    @Test func blobsBecomeBase64AndInfinityBecomesText() async throws {
        let fixture = try SQLiteFixture()
        let result = try await fixture.run("SELECT x'', x'00', x'00ff', x'00ff10', 9e999, -9e999")
        #expect(
            result.cells == [
                ["text ", "text AA==", "text AP8=", "text AP8Q", "text Infinity", "text -Infinity"]
            ])
    }

    @Test func infinityInAColumnOfNumbersIsRefused() async throws {
        let fixture = try SQLiteFixture()
        _ = try await fixture.run("UPDATE users SET amount = 9e999", .write)
        let reason = await fixture.reason { _ = try await fixture.run("SELECT amount FROM users") }
        #expect(reason == .form)
    }

    @Test func textThatIsNotUTF8IsRefused() async throws {
        let fixture = try SQLiteFixture()
        let reason = await fixture.reason {
            _ = try await fixture.run("SELECT CAST(x'c328' AS TEXT)")
        }
        #expect(reason == .form)
    }

    @Test func valuesOfOneCallAreForgottenBeforeTheNext() async throws {
        let fixture = try SQLiteFixture(threads: 1)
        let tool = try fixture.tool("SELECT :t")
        _ = try await fixture.run(tool, arguments(("t", "secret")))
        #expect(try await fixture.run(tool).cells == [["null"]])
    }
}
