import Enforcement
import JSON

/// Somebody who did not sign in, for commands that ask what would be: `--as`, `--issuer`,
/// `--groups`, `--claims`.
enum SupposedCaller {
    static let options = ["--as", "--issuer", "--groups", "--claims"]

    static func read(
        _ arguments: Arguments, _ server: ServerSettings
    ) throws(UsageError) -> Caller {
        guard let subject = arguments["--as"], !subject.utf8.isEmpty else {
            throw UsageError("--as SUBJECT is needed: who is supposed to call")
        }
        return Caller(
            issuer: try issuer(arguments, IdentitySources(server).names), subject: subject,
            groups: arguments.groups, claims: try TryCommand.object(arguments["--claims"] ?? "{}"))
    }

    /// The first that the server trusts, where nobody says which.
    private static func issuer(
        _ arguments: Arguments, _ known: [Name]
    ) throws(UsageError) -> String {
        guard let named = arguments["--issuer"] else { return known.first?.text ?? "try" }
        guard known.contains(Name(named)) else {
            let near = nearest(named, among: known.map(\.text)).map { "; did you mean \($0)?" }
            throw UsageError("no issuer `\(named)` in server.json\(near ?? "")")
        }
        return named
    }
}
