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
