import Testing

@testable import Enforcement

@Suite struct CryptoTests {
    @Test func sha256MatchesThePublishedVectors() {
        #expect(
            SHA256.digest("abc").hex
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            SHA256.digest([UInt8]()).hex
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func leavesAndNodesCarryTheirPrefix() {
        let left = SHA256.digest("l")
        let right = SHA256.digest("r")
        #expect(SHA256.leaf([1, 2]) == SHA256.digest([0, 1, 2]))
        #expect(SHA256.node(left, right) == SHA256.digest([1] + left.bytes + right.bytes))
        #expect(SHA256.node(left, right) != SHA256.node(right, left))
    }

    @Test func aUsedHasherGivesTheSameDigests() {
        let hasher = SHA256Hasher()
        for length in 0..<200 {
            let bytes = [UInt8](repeating: UInt8(length), count: length)
            #expect(bytes.withUnsafeBytes { hasher.leaf($0) } == SHA256.digest([0] + bytes))
        }
    }

    @Test func hmacMatchesRFC4231() {
        let tag = HMACSHA256.authenticate(
            Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
        #expect(tag.hex == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(!HMACSHA256.isValid(tag, for: [], key: Array("Jefe".utf8)))
    }

    @Test func digestsComeOnlyFromThirtyTwoBytes() {
        #expect(Digest32([UInt8](repeating: 1, count: 31)) == nil)
        #expect(Digest32([UInt8](repeating: 1, count: 33)) == nil)
        #expect(Digest32(Array(0..<32))?.bytes == Array(0..<32))
    }

    @Test func base64IsOneTextForOneValue() {
        for length in 0..<70 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
        }
        #expect(Base64.encode(Array("foobar".utf8)) == "Zm9vYmFy")
        #expect(Base64.encode(Array("fo".utf8)) == "Zm8=")
        #expect(Base64URL.encode([0xFB, 0xFF]) == "-_8")
    }

    @Test(arguments: [
        "Zg", "Zg=", "Zh==", "Zm9=", "Zg==\n", " Zg==", "Zg===", "====", "Z===", "=", "Zm9v-_==",
        "Z g=", "Zg==Zg==", "Zm\u{0}v",
    ])
    func base64RefusesEverySecondSpelling(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test(arguments: ["A", "AB", "AAB", "AA==", "AA=", "+/8", "AA\n", "AAAAA", "é"])
    func base64URLRefusesEverySecondSpelling(_ text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    @Test func hexRoundTripsAndRefusesRubbish() {
        #expect(Hex.decode(Hex.encode([0, 255, 16])) == [0, 255, 16])
        #expect(Hex.decode("0") == nil)
        #expect(Hex.decode("0g") == nil)
    }

    @Test func randomBytesDiffer() throws {
        #expect(try randomBytes(32) != randomBytes(32))
        #expect(try randomBytes(0).isEmpty)
        #expect(throws: CryptoError.self) { try randomBytes(-1) }
    }

    @Test func constantTimeEqualityIsEquality() {
        #expect(constantTimeEqual([1, 2], [1, 2]))
        #expect(!constantTimeEqual([1, 2], [1, 3]))
        #expect(!constantTimeEqual([1, 2], [1]))
        #expect(!constantTimeEqual("K", "\u{212A}"))
    }
}

@Suite struct CryptoKeyTests {
    @Test func ed25519MatchesRFC8032() throws {
        let key = try Ed25519PublicKey(
            #require(
                Hex.decode("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")))
        let signature = try #require(
            Hex.decode(
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
                    + "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"))
        #expect(key.isValid(signature, for: []))
        #expect(!key.isValid(signature, for: [0]))
        #expect(!key.isValid(Array(signature.dropLast()), for: []))
    }

    @Test func ed25519SurvivesItsPEM() throws {
        let key = try Ed25519PrivateKey.generate()
        let pem = try key.pem()
        #expect(pem.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
        let read = try Ed25519PrivateKey(pem: pem)
        #expect(read.publicKey.bytes == key.publicKey.bytes)
        let signature = try read.sign([1, 2, 3])
        #expect(key.publicKey.isValid(signature, for: [1, 2, 3]))
        #expect(try !Ed25519PrivateKey.generate().publicKey.isValid(signature, for: [1, 2, 3]))
    }

    @Test func es256SignaturesAreRawAndBoundToTheMessage() throws {
        let key = try ES256PrivateKey.generate()
        // Enough signatures that some r or s is short and needs its padding.
        for round in 0..<300 {
            let message = Array("message \(round)".utf8)
            let signature = try key.sign(message)
            #expect(signature.count == 64)
            #expect(key.publicKey.isValid(signature, for: message))
            #expect(!key.publicKey.isValid(signature, for: message + [0]))
        }
    }

    @Test func es256SurvivesItsPEMAndItsCoordinates() throws {
        let key = try ES256PrivateKey.generate()
        let read = try ES256PrivateKey(pem: key.pem())
        let published = try ES256PublicKey(x: read.publicKey.x, y: read.publicKey.y)
        #expect(try published.isValid(read.sign([7]), for: [7]))
    }

    @Test func pointsOffTheCurveAreNoKeys() throws {
        let key = try ES256PrivateKey.generate().publicKey
        var bent = key.y
        bent[31] ^= 1
        #expect(throws: CryptoError.self) { try ES256PublicKey(x: key.x, y: bent) }
        let zero = [UInt8](repeating: 0, count: 32)
        #expect(throws: CryptoError.self) { try ES256PublicKey(x: zero, y: zero) }
        let ones = [UInt8](repeating: 255, count: 32)
        #expect(throws: CryptoError.self) { try ES256PublicKey(x: ones, y: ones) }
        #expect(throws: CryptoError.self) { try ES256PublicKey(x: key.x, y: [1]) }
    }

    @Test func signaturesOfZeroAreRefused() throws {
        let key = try ES256PrivateKey.generate().publicKey
        #expect(!key.isValid([UInt8](repeating: 0, count: 64), for: [1]))
        #expect(!key.isValid([UInt8](repeating: 255, count: 64), for: [1]))
        #expect(!key.isValid([], for: [1]))
    }

    @Test func aKeyOfOneKindIsNotReadAsTheOther() throws {
        let one = try Ed25519PrivateKey.generate().pem()
        let other = try ES256PrivateKey.generate().pem()
        #expect(throws: CryptoError.self) { try ES256PrivateKey(pem: one) }
        #expect(throws: CryptoError.self) { try Ed25519PrivateKey(pem: other) }
        #expect(throws: CryptoError.self) { try Ed25519PrivateKey(pem: "") }
        #expect(throws: CryptoError.self) { try Ed25519PrivateKey(pem: "-----BEGIN rubbish") }
    }
}
