import Enforcement
import JSON

/// One page of a list that is in the order of its names.
///
/// A cursor names the last entry of the page before, so that pages stay whole when entries come
/// and go in between.
struct ListPage<Entry> {
    let entries: ArraySlice<Entry>
    /// nil at the end.
    let nextCursor: String?

    init(of all: [Entry], after cursor: String?, named name: (Entry) -> Name) {
        let rest = all.drop { entry in cursor.map { name(entry) <= Name($0) } ?? false }
        entries = rest.prefix(ListCursor.pageSize)
        nextCursor =
            rest.count > entries.count
            ? entries.last.map { Base64URL.encode(Array(name($0).text.utf8)) } : nil
    }
}

enum ListCursor {
    static let pageSize = 50
    /// The longest name that a list has, a resource's, in Base64.
    private static let bytesMax = 120

    static func read(_ request: Request) throws(RPCError) -> String? {
        guard let value = request.params["cursor"] else { return nil }
        guard let text = value.string, text.utf8.count <= bytesMax,
            let bytes = Base64URL.decode(text), !bytes.isEmpty,
            bytes.allSatisfy({ (0x21...0x7E).contains($0) }),
            let name = String(validating: bytes, as: UTF8.self)
        else {
            throw RPCError(
                .invalidParams,
                "`cursor` is not one that this server gave. Call \(request.method) without it.",
                id: request.id)
        }
        return name
    }
}
