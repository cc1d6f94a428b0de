import Backends
import EventLoop

/// One document that the user named by its URL. Redirects are not followed.
struct Download {
    static let bytesMax = 64 << 20
    static let patience = Duration.seconds(60)

    private let url: HTTPURL

    init(_ text: String) throws(UsageError) {
        do throws(HTTPURL.Failure) { url = try HTTPURL(text) } catch {
            throw UsageError("the URL \(error.reason)")
        }
    }

    func bytes() throws -> [UInt8] {
        let group = try EventLoopGroup(count: 1)
        try group.start()
        let loop = group.next()
        let requester = OneRequest(
            url, security: url.isSecure ? try TLSClientContext() : nil, patience: Self.patience)
        let target = url.path + (url.query.map { "?\($0)" } ?? "")
        let box = Received()
        _ = Lifetime().run(on: loop) {
            do throws(HTTPClientError) {
                let response = try await requester.send(
                    "GET", target, headers: [("accept", "application/json")], body: nil,
                    bodyBytes: Self.bytesMax, on: loop)
                box.take(response)
            } catch {
                throw CommandFailure("\(url.host) gave no answer: \(error)")
            }
            return .done
        }
        guard let response = box.response else { throw CommandFailure("nothing was imported") }
        guard response.status == 200 else {
            throw CommandFailure(
                "\(url.host) answered \(response.status); give the URL of the document itself")
        }
        return response.body
    }
}
