import EventLoop
import Testing

@testable import Backends

/// The examples of AWS's own documentation.
@Suite struct RequestSignatureTests {
    private static func signature(
        _ service: String, keyID: String, key: String, request: HTTPClientRequest, now: Int
    ) async throws -> String {
        let signature = RequestSignature(
            region: "us-east-1", service: service, keyID: { keyID }, secretKey: { key })
        let headers = try await signature.headers(for: request, now: now)
        return try #require(headers.last { $0.name == "authorization" }?.value)
    }

    @Test func aRequestToIAMIsSignedAsInTheDocumentation() async throws {
        let type = "application/x-www-form-urlencoded; charset=utf-8"
        let value = try await Self.signature(
            "iam", keyID: "AKIDEXAMPLE", key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            request: HTTPClientRequest(
                method: "GET", target: "/?Version=2010-05-08&Action=ListUsers",
                host: "iam.amazonaws.com", headers: [(name: "Content-Type", value: type)]),
            now: 1_440_938_160)
        #expect(
            value == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
                + "SignedHeaders=content-type;host;x-amz-date, "
                + "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
    }

    @Test func aRequestToS3IsSignedAsInTheDocumentation() async throws {
        let value = try await Self.signature(
            "s3", keyID: "AKIAIOSFODNN7EXAMPLE", key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            request: HTTPClientRequest(
                method: "GET", target: "/test.txt", host: "examplebucket.s3.amazonaws.com",
                headers: [(name: "Range", value: "bytes=0-9")]),
            now: 1_369_353_600)
        #expect(
            value.hasSuffix(
                "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
                    + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"))
    }

    /// Of AWS's test suite for Signature Version 4, whose service is called `service`.
    @Test(
        arguments: [
            ("GET", "/", [], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (
                "GET", "/?Param2=value2&Param1=value1", [],
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
            ),
            (
                "GET", "/", [("My-Header1", "value1"), ("My-Header2", "\"a   b   c\"")],
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"
            ),
            (
                "GET", "/?%E1%88%B4=bar", [],
                "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"
            ),
            ("POST", "/", [], "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ] as [(String, String, [(String, String)], String)])
    func aRequestOfTheTestSuiteIsSignedAsItSays(
        _ method: String, _ target: String, _ headers: [(String, String)], _ expected: String
    ) async throws {
        let value = try await Self.signature(
            "service", keyID: "AKIDEXAMPLE", key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            request: HTTPClientRequest(
                method: method, target: target, host: "example.amazonaws.com",
                headers: headers.map { (name: $0.0, value: $0.1) }),
            now: 1_440_938_160)
        #expect(value.hasSuffix("Signature=" + expected))
    }

    /// `=` comes behind digits and hyphens, but a name before all that it begins.
    @Test func parametersAreSignedInTheOrderOfTheirNames() async throws {
        func signed(_ target: String) async throws -> String {
            try await Self.signature(
                "s3", keyID: "K", key: "S",
                request: HTTPClientRequest(method: "GET", target: target, host: "h"), now: 0)
        }
        #expect(
            RequestSignature.canonicalQuery("page2=b&page=c&page-size=1&page=a")
                == "page=a&page=c&page-size=1&page2=b")
        #expect(RequestSignature.canonicalQuery("acl&a=1=2") == "a=1=2&acl=")
        #expect(try await signed("/?page2=b&page=c") == signed("/?page=c&page2=b"))
    }

    @Test func aSessionsTokenIsSentAndSigned() async throws {
        let signature = RequestSignature(
            region: "eu-west-1", service: "s3", keyID: { "K" }, secretKey: { "S" },
            sessionToken: { "T" })
        let headers = try await signature.headers(
            for: HTTPClientRequest(method: "PUT", target: "/a", host: "b", body: [1]), now: 0)
        #expect(headers.contains { $0.name == "x-amz-security-token" && $0.value == "T" })
        #expect(headers.contains { $0.name == "x-amz-date" && $0.value == "19700101T000000Z" })
        #expect(headers.last?.value.contains("x-amz-date;x-amz-security-token,") == true)
    }
}
