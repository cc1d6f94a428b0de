import EventLoop
import Glibc

ProcessHygiene.apply(awaiting: Lifetime.signals)
exit(CommandLineTool.run(Array(CommandLine.arguments.dropFirst())).rawValue)
