import EventLoop
import Glibc

ProcessHygiene.apply(awaiting: Lifetime.signals)
let code = CommandLineTool.run(Array(CommandLine.arguments.dropFirst())).rawValue
// What is to be on disk is there. `exit` would have OpenSSL tear itself down under threads that are
// just ending, who then free the same memory a second time.
_exit(code)
