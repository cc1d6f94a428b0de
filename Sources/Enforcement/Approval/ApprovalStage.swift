/// A call that may run, once.
package struct ClearedCall: ~Copyable, Sendable {
    package let job: Job
    fileprivate init(_ job: Job) { self.job = job }
}
