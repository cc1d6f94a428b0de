import Testing

@testable import Enforcement

/// More than may wait at once, so that who adds has to wait too.
@Test(arguments: [nil, 0, 1_234, 2_499])
func oneWrongSignatureAmongManyIsSeen(_ wrong: Int?) throws {
    let privateKey = try Ed25519PrivateKey.generate()
    let key = CheckpointKey(origin: "test", publicKey: privateKey.publicKey)
    let crew = try #require(SignatureCrew.start(), "this machine has one core")
    let note = CheckpointNote.checkpoint(origin: "test", size: 1, root: [])
    let signature = try note.signature(by: privateKey, as: key)
    let other = CheckpointNote.checkpoint(origin: "test", size: 2, root: [])
    for number in 0..<2_500 {
        crew.add(.init(note: number == wrong ? other : note, signature: signature, key: key))
    }
    #expect(crew.finish() == (wrong == nil))
}
