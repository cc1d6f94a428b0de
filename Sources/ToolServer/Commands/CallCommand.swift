import Enforcement
import EventLoop
import JSON

/// `toolserver call TOOL [ARGUMENTS]`: one call, through the gate and on record like any other.
///
/// With `--url` a running server makes it; without, this process does, as `stdio` would. The answer
/// goes to standard output, a refusal with its code to standard error.
enum CallCommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--manifests", "--state", "--url", "--ca"], operands: 2)
        guard let tool = arguments.operands.first else {
            throw UsageError("call needs the name of a tool")
        }
        let given = try TryCommand.object(arguments.operands.dropFirst().first ?? "{}")
        let isAway = arguments["--url"] != nil
        for option in isAway ? ["--manifests", "--state"] : ["--ca"]
        where arguments[option] != nil {
            throw UsageError(
                "\(option) means nothing \(isAway ? "beside" : "without") --url URL")
        }
        return isAway
            ? try RemoteCall(arguments).run(tool, given) : try here(tool, given, arguments)
    }

    private static func here(
        _ tool: String, _ given: JSONObject, _ arguments: Arguments
    ) throws -> ExitCode {
        let group = try EventLoopGroup(count: 1)
        let server = try Server(arguments, loops: group.loops)
        try group.start()
        return Lifetime().run(on: group.next()) {
            let gate = server.current.value.gate
            let caller: IdentifiedCaller
            do throws(Refusal) {
                caller = try await gate.identify(LocalCredential.read(), at: "")
            } catch { throw CommandFailure(error.told) }
            try await server.recordStart("call", removes: false)
            let outcome = await gate.answer(
                ArrivedCall(
                    caller: caller, tool: tool, arguments: given,
                    via: Transport(kind: .stdio, address: "")))
            await server.stop()
            switch outcome {
            case .answered(let result):
                StandardStream.output.write(AnswerJSON.whole(result) + [0x0A])
                return .done
            case .refused(let refusal):
                StandardStream.error.line("\(refusal.told)\ncode: \(refusal.code.rawValue)")
                return .failed
            }
        }
    }
}
