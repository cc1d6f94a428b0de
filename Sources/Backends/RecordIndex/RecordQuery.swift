/// What a reader looks for in the record. Every part that is set must hold.
package struct RecordQuery: Sendable {
    package enum Field: String, Sendable, CaseIterable {
        case caller, person, client, tool, backend, decision, code, session, approval, grant
        case event, call
    }

    /// Whole values; `*` stands for any text.
    package var fields: [(field: Field, value: String)] = []
    /// The ending counts: `orders` is `shop.orders` too.
    package var relation: String?
    package var rule: String?
    /// In the form of the record's times; a prefix of one is one.
    package var since: String?
    package var until: String?
    /// All words of it, in what was asked, said and noted.
    package var text: String?
    package var log: String?
    package var most: Int

    package init(most: Int = 20) { self.most = most }

    package var isEmpty: Bool {
        fields.isEmpty && relation == nil && rule == nil && since == nil && until == nil
            && text == nil
    }
}

/// A call or another event that was found, and where its lines are.
package struct RecordHit: Sendable {
    package struct Line: Sendable {
        package let sequence: Int
        package let segment: Int
        package let offset: Int
    }

    package let log: String
    package let session: String?
    package internal(set) var lines: [Line]
}

package struct RecordSession: Sendable {
    package let id: String
    package let log: String
    package let subject: String
    package let first: String
    package let last: String
    package let calls: Int
}
