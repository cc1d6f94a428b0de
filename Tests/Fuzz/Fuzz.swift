// The fuzzers, in one program: TOOLSERVER_FUZZ says which one runs.
//
// Each takes bytes and asserts what must hold for all of them; a false assertion stops the program
// as a trap would, and libFuzzer, whose `main` this program has, keeps the bytes. `scripts/fuzz`
// builds and runs it.

import Glibc

private typealias Property = @Sendable ([UInt8]) -> Void

private let fuzzers: [(name: String, property: Property)] = [
    ("http", fuzzHTTP), ("json", fuzzJSON), ("schema", fuzzSchema), ("rpc", fuzzMessages),
    ("manifests", fuzzManifests),
]

private let chosen: Property = {
    let name = getenv("TOOLSERVER_FUZZ").map { String(cString: $0) }
    guard let fuzzer = fuzzers.first(where: { $0.name == name }) else {
        stop("TOOLSERVER_FUZZ must be one of \(fuzzers.map(\.name))")
    }
    return fuzzer.property
}()

@c(LLVMFuzzerTestOneInput)
func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    chosen(Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
}

/// Stops with what does not hold.
func hold(_ condition: Bool, _ what: @autoclosure () -> String) {
    if !condition { stop("does not hold: \(what())") }
}

private func stop(_ text: String) -> Never {
    let line = text + "\n"
    write(STDERR_FILENO, line, line.utf8.count)
    abort()
}
