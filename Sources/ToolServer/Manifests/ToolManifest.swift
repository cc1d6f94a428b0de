import Enforcement
import JSON

/// A parameter of the statement that the caller's identity gives.
struct BoundParameter {
    let name: Located<Name>
    let value: CallerTemplate
}

/// An argument that takes the value of a column in the last row, for the rows that follow.
struct NextArgument {
    let argument: Located<Name>
    let column: Located<Name>
}

/// A tool as its file declares it; its backend is not yet known to exist.
struct ToolManifest {
    static let keys = KeySet(
        required: ["tool", "title", "description", "backend", "scope", "effect"],
        optional: [
            "$schema", "tags", "input", "inputSchema", "bind", "sql", "sqlArgument", "describe",
            "http",
            "result", "outputSchema", "limits", "next", "confirm", "task", "rowsAs",
            "prompt",
        ])
    static let limitKeys = KeySet(required: [], optional: ["rows", "bytes", "time"])
    static let fileKeys = KeySet(required: ["file"])
    static let statementBytesMax = 64 << 10

    let name: Located<Name>
    let title: String
    let description: String
    let backend: Located<Name>
    let scope: Located<Name>
    let effect: Located<Tool.Effect>
    let tags: [Name]
    let input: InputManifest
    let bind: [BoundParameter]
    let action: Action
    let limits: ToolLimits
    let next: [NextArgument]
    let confirmation: Confirmation?
    let taskUse: Tool.TaskUse?
    let rowForm: Tool.RowForm
    let prompt: PromptManifest?

    /// What the tool does, with the place to complain at.
    enum Action {
        case sql(Located<String>)
        /// The caller writes the statement, in this argument.
        case freeSQL(argument: Located<Name>)
        case http(Located<HTTPOperation>)
        case describe(Place)

        var place: Place {
            switch self {
            case .sql(let text): text.place
            case .freeSQL(let argument): argument.place
            case .http(let operation): operation.place
            case .describe(let place): place
            }
        }
    }

    static func read(_ object: ObjectReader, files: ManifestFiles) -> ToolManifest? {
        let name = object["tool"]?.located { Self.name($0) }
        let title = object["title"]?.prose(atMost: 120)
        let description = object["description"]?.prose(atMost: 2_000)
        let backend = object["backend"]?.located { $0.name() }
        let scope = object["scope"]?.located { $0.scope() }
        let effect = object["effect"]?.located { $0.choice(of: Tool.Effect.self) }
        let tags = object["tags"].map { $0.names { $0.name() } } ?? .some([])
        let action = action(of: object, tool: name?.value, files: files)
        let input = input(of: object)
        let bind = bound(object["bind"])
        let limits = limits(of: object)
        let next = nextArguments(of: object)
        let confirmation = confirmation(of: object, title: title)
        let taskUse = taskUse(of: object, limits: limits)
        let rowForm = rowForm(of: object)
        let prompt = PromptManifest.read(object, tool: name?.value)
        guard let name, let title, let description, let backend, let scope, let effect, let tags,
            let input, let bind, let action
        else { return nil }
        return ToolManifest(
            name: name, title: title, description: description, backend: backend, scope: scope,
            effect: effect, tags: tags, input: input, bind: bind, action: action, limits: limits,
            next: next ?? [], confirmation: confirmation, taskUse: taskUse, rowForm: rowForm,
            prompt: prompt)
    }

    private static func rowForm(of object: ObjectReader) -> Tool.RowForm {
        guard let node = object["rowsAs"] else { return .auto }
        if object["http"] != nil {
            node.report("has no meaning beside `http`; pick from the answer")
        }
        return node.choice(of: Tool.RowForm.self) ?? .auto
    }

    private static func name(_ node: Node) -> Name? {
        let name = node.name()
        guard name == ApprovalResult.name || name == AccessTool.name else { return name }
        node.report("is the name of a built-in tool; choose another")
        return nil
    }

    /// `{"tenant": "{caller.claims.tenant}"}`: a group is no value, since a caller has several.
    private static func bound(_ node: Node?) -> [BoundParameter]? {
        guard let node else { return [] }
        guard let members = node.members() else { return nil }
        let bound = members.compactMap { member -> BoundParameter? in
            guard let value = member.node.callerTemplate() else { return nil }
            guard !value.usesGroup else {
                member.node.report("cannot use {group}: a caller may have several")
                return nil
            }
            return BoundParameter(
                name: Located(value: Name(member.name), place: member.namePlace), value: value)
        }
        return bound.count == members.count ? bound : nil
    }

    private static func action(
        of object: ObjectReader, tool: Name?, files: ManifestFiles
    ) -> Action? {
        if let http = object["http"] {
            for other in ["sql", "sqlArgument"] {
                object[other]?.report("stands beside `http`; declare one of them")
            }
            return HTTPToolManifest.read(object).map { .http(http.located($0)) }
        }
        for other in ["result", "outputSchema"] {
            object[other]?.report("is for `http`; the columns of a statement are its result")
        }
        if let node = object["describe"] { return describing(node, object) }
        guard let argument = object["sqlArgument"] else {
            return sql(of: object, tool: tool, files: files).map { .sql($0) }
        }
        for other in ["sql", "input", "inputSchema", "bind"] {
            object[other]?.report(
                "stands beside `sqlArgument`, where the caller sends the statement; leave it out")
        }
        guard let name = argument.parameterName() else { return nil }
        return .freeSQL(argument: argument.located(name))
    }

    /// Which relations and columns there are; `false` would be a tool that does nothing.
    private static func describing(_ node: Node, _ object: ObjectReader) -> Action? {
        for other in ["sql", "sqlArgument", "input", "inputSchema", "bind"] {
            object[other]?.report("stands beside `describe`, which has inputs of its own")
        }
        if node.bool() == false { node.report("must be true, or left out") }
        if object["effect"]?.string()?.isByteEqual(to: "write") == true {
            object["effect"]?.report("must be `read`: describing changes nothing")
        }
        return .describe(node.place)
    }

    private static func input(of object: ObjectReader) -> InputManifest? {
        if object["describe"] != nil { return .describing() }
        if let argument = object["sqlArgument"] {
            guard let name = argument.string() else { return nil }
            return .statement(in: Name(name), at: argument.place)
        }
        switch (object["input"], object["inputSchema"]) {
        case (let short?, let whole?):
            short.report("stands beside `inputSchema`; declare one of them")
            _ = InputManifest.whole(whole)
            return nil
        case (let short?, nil): return .short(short)
        case (nil, let whole?): return .whole(whole, takesLists: object["http"] != nil)
        case (nil, nil): return .none(at: object.node.place)
        }
    }

    private static func sql(
        of object: ObjectReader, tool: Name?, files: ManifestFiles
    ) -> Located<String>? {
        let place: Place
        let text: String?
        if let node = object["sql"] {
            if case .object = node.value.content {
                guard let file = node.object(fileKeys)?["file"] else { return nil }
                place = file.place
                text = file.statement(in: files)
            } else {
                place = node.place
                text = node.string()
            }
        } else {
            guard let tool else { return nil }
            guard let file = files.statement(beside: object.node.place.file, named: tool) else {
                object.node.report("missing key `sql`, and no \(quoted(tool.text + ".sql")) beside")
                return nil
            }
            place = file.start
            text = file.statementText(findings: object.node.findings)
        }
        guard let text else { return nil }
        guard text.utf8.count <= statementBytesMax, !text.utf8.contains(0),
            text.utf8.contains(where: { $0 > 0x20 })
        else {
            object.node.findings.problem(
                "must be a statement of at most \(statementBytesMax >> 10) KB, without NUL",
                at: place)
            return nil
        }
        return Located(value: text, place: place)
    }

    private static func limits(of object: ObjectReader) -> ToolLimits {
        let standard = ToolLimits()
        let members = object["limits"]?.object(limitKeys)
        let time = Duration.milliseconds(1)...Duration.seconds(300)
        return ToolLimits(
            rows: members?["rows"]?.int(in: 1...100_000) ?? standard.rows,
            bytes: members?["bytes"]?.byteCount(in: 1_024...(16 << 20)) ?? standard.bytes,
            time: members?["time"]?.duration(in: time) ?? standard.time)
    }
}

extension ManifestFiles {
    /// `tools/NAME.sql` for a tool declared in `tools/`.
    func statement(beside file: ManifestFile, named tool: Name) -> ManifestFile? {
        let folder = file.name.utf8.lastIndex(of: UInt8(ascii: "/")).map { file.name[...$0] } ?? ""
        let found = statements[Name(folder + tool.text + ".sql")]
        found?.isUsed = true
        return found
    }
}
