// What must outlive a call, its connection and its process?
//
// Answers that may be given once, calls that go on after their request was answered; approvals and
// grants are of the same kind. Several processes share one store and any of them may be killed, so
// nothing here is read, judged and then written: every change is a compare-and-set, and who loses
// the race is told so. Enforcement declares what it needs; `Backends/Stores` keeps it on disk.

package import JSON

package protocol StateStore: Sendable {
    /// True for the first who spends this nonce, over all processes and restarts. `expires`, in
    /// seconds since 1970, is when nobody would accept it any more; it is remembered until then.
    func spend(_ nonce: [UInt8], until expires: Int) async throws(StateError) -> Bool

    /// False when the owner has `most` entries of this kind already, finished ones included, or
    /// another entry of this kind has its topic.
    func insert(_ entry: StateEntry, most: Int) async throws(StateError) -> Bool

    /// nil for what is not there or has expired: the two are the same.
    func entry(_ kind: StateEntry.Kind, _ id: Name) async throws(StateError) -> StateEntry?

    /// The entry of this kind that has this topic.
    func entry(_ kind: StateEntry.Kind, about topic: Digest32) async throws(StateError)
        -> StateEntry?

    /// At most `most` entries of a kind, in one phase or in any, the latest changed first.
    func entries(
        _ kind: StateEntry.Kind, in phase: Name?, most: Int
    ) async throws(StateError) -> [StateEntry]

    /// Stores `entry` one version later, if the stored one is still at `entry.version`. False when
    /// somebody changed it since it was read, or it is gone.
    func replace(_ entry: StateEntry) async throws(StateError) -> Bool

    /// Returns when the entry may have another version than this one, whoever changed it; at the
    /// limit; or when the task is cancelled. Holds no thread and no connection meanwhile.
    func change(
        of kind: StateEntry.Kind, _ id: Name, after version: Int, within limit: Duration) async

    /// Another one after each change of a grant, by whichever process; read without waiting.
    var grantMark: UInt64 { get }

    /// This process, as `StateEntry.holder` names it.
    var holder: Name { get }

    /// Whether a process still runs that called itself so.
    func isRunning(_ holder: Name) -> Bool
}

/// One thing that the store keeps. What its body means is its kind's business.
package struct StateEntry: Sendable {
    package enum Kind: String, Sendable { case task, approval, notice, grant }

    package var kind: Kind
    package var id: Name
    /// Whose it is: nobody else is told that it exists.
    package var owner: Digest32
    /// Counts the changes; the fence that keeps an old holder from overwriting a newer one's work.
    package var version: Int
    /// Where it stands, in the words of its kind.
    package var phase: Name
    /// The process at work on it; nil when none is.
    package var holder: Name?
    /// Seconds since 1970; not found any more from then on.
    package var expires: Int
    package var body: [UInt8]
    /// What it is about, where no two of a kind may be about the same.
    package var topic: Digest32?

    package init(
        kind: Kind, id: Name, owner: Digest32, version: Int = 0, phase: Name, holder: Name? = nil,
        expires: Int, body: [UInt8], topic: Digest32? = nil
    ) {
        self.topic = topic
        self.kind = kind
        self.id = id
        self.owner = owner
        self.version = version
        self.phase = phase
        self.holder = holder
        self.expires = expires
        self.body = body
    }
}

package struct StateError: Error, Sendable {
    package enum Reason: Sendable {
        /// Others held the store for longer than a call may wait.
        case busy
        /// At its bound, or the disk is.
        case full
        /// A newer build made it.
        case newer
        case unavailable
    }
    package var reason: Reason
    /// For the operator's eyes; holds nothing of what is stored.
    package var detail: String

    package init(_ reason: Reason, detail: String) {
        self.reason = reason
        self.detail = detail
    }
}
