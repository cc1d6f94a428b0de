package import JSON

/// A tool that people may choose by themselves, as a prompt of the protocol, and what completes
/// its arguments while they type.
package struct ToolPrompt: Sendable {
    /// A declared query whose answers are values of an argument. It is called as its caller,
    /// through the whole gate.
    package struct Source: Sendable {
        package let argument: Name
        package let tool: Name
        package let column: Name
        /// The argument of `tool` that takes what was typed; nil where what it answers is compared
        /// with that here.
        package let typed: Name?

        package init(argument: Name, tool: Name, column: Name, typed: Name? = nil) {
            self.argument = argument
            self.tool = tool
            self.column = column
            self.typed = typed
        }
    }

    package let sources: [Source]

    package init(sources: [Source] = []) { self.sources = sources }
}

extension GuardedTool {
    /// Whether a call is answered at once: its caller is not asked, no person has to decide, and
    /// it need not be a task. What is read on behalf of a caller who called nothing must not wait
    /// for anybody.
    package var answersAtOnce: Bool {
        tool.confirmation == nil && tool.taskUse != .required && !mayBeHeld
    }
}
