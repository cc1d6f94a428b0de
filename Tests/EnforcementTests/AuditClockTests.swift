import JSON
import Testing

@testable import Enforcement

@Test func aWallClockThatJumpsIsALineThatSaysHowFar() throws {
    let key = CheckpointKey(
        origin: "test", publicKey: try Ed25519PrivateKey.generate().publicKey)
    var lines = RecorderLines(SegmentState(epoch: 1, key: key), SHA256Hasher(), .inproc)
    let second: UInt64 = 1_000_000_000
    let wall = 1_795_000_000 * second
    func clockLine(_ wall: UInt64, _ monotonic: UInt64) throws -> JSONValue? {
        lines.bytes.removeAll()
        lines.readClocks(wall: wall, monotonic: monotonic)
        return lines.bytes.isEmpty ? nil : try JSONParser.parse(Array(lines.bytes.dropLast()))
    }
    #expect(try clockLine(wall, 100 * second) == nil)
    #expect(try clockLine(wall + 50 * second, 150 * second) == nil)
    #expect(try clockLine(wall + 51 * second + second / 2, 151 * second) == nil)
    let back = try #require(try clockLine(wall - 3_548 * second, 152 * second))
    #expect(back["event"] == "clock")
    #expect(back["jump_ms"] == .number(JSONNumber(-3_600_500)))
    #expect(back["seq"] == 0)
    #expect(try clockLine(wall - 3_547 * second, 153 * second) == nil, "it is told once")
}
