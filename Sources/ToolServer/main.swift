import EventLoop
import Glibc

ProcessHygiene.apply()
exit(CommandLineTool.run(Array(CommandLine.arguments.dropFirst())).rawValue)
