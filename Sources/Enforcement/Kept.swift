/// A value of many parts behind one reference, so that passing it on copies nothing. Whoever
/// changes it makes one of their own.
final class Kept<Value: Sendable>: Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }

    func changed(_ change: (inout Value) -> Void) -> Kept {
        var value = value
        change(&value)
        return Kept(value)
    }
}
