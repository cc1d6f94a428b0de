import Backends
import Enforcement
import JSON

/// The notation of HTTP tools: text with `{name}` where a value goes. `{{` and `}}` are braces.
extension Node {
    /// Of a query, a header, a form or a text in a JSON body.
    func textTemplate() -> TextTemplate? {
        guard let text = string() else { return nil }
        return textTemplate(of: text)
    }

    private func textTemplate(of text: String) -> TextTemplate? {
        var parts: [TextTemplate.Part] = []
        var literal = ""
        var rest = text.unicodeScalars[...]
        while let next = rest.popFirst() {
            guard next == "{" || next == "}" else {
                literal.unicodeScalars.append(next)
                continue
            }
            if rest.first == next {
                rest.removeFirst()
                literal.unicodeScalars.append(next)
                continue
            }
            guard next == "{", let end = rest.firstIndex(of: "}") else {
                report("has a single brace; write {{ or }} for a brace that is text")
                return nil
            }
            guard let name = placeholder(String(rest[..<end])) else { return nil }
            if !literal.isEmpty { parts.append(.literal(literal)) }
            literal = ""
            parts.append(.value(name))
            rest = rest[rest.index(after: end)...]
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        return TextTemplate(parts)
    }

    private func placeholder(_ text: String) -> Name? {
        if isParameterName(text) { return Name(text) }
        report("\(quoted("{\(text)}")) does not hold the name of an input")
        return nil
    }

    /// `/v1/customers/{id}` or `/files/{+path}`, and behind `?` a query.
    func pathTemplate() -> (path: PathTemplate, query: [NamedTemplate])? {
        guard let text = string() else { return nil }
        guard text.utf8.first == UInt8(ascii: "/") else {
            report("must begin with /")
            return nil
        }
        return pathTemplate(of: text)
    }

    fileprivate func pathTemplate(
        of text: String
    ) -> (path: PathTemplate, query: [NamedTemplate])? {
        let mark = text.firstIndex(of: "?") ?? text.endIndex
        let segments = text[..<mark].dropFirst().split(
            separator: "/", omittingEmptySubsequences: false)
        var path: [PathTemplate.Segment] = []
        for (index, segment) in segments.enumerated() {
            let isLast = index == segments.count - 1
            guard let part = pathSegment(String(segment), isLast: isLast) else { return nil }
            path.append(part)
        }
        guard mark < text.endIndex else { return (PathTemplate(path), []) }
        let pairs = text[mark...].dropFirst().split(
            separator: "&", omittingEmptySubsequences: false)
        let query = pairs.compactMap { queryPair(String($0)) }
        return query.count == pairs.count ? (PathTemplate(path), query) : nil
    }

    private func pathSegment(_ text: String, isLast: Bool) -> PathTemplate.Segment? {
        if text.hasPrefix("{+"), text.hasSuffix("}") {
            return placeholder(String(text.dropFirst(2).dropLast())).map { .several($0) }
        }
        guard let template = textTemplate(of: text) else { return nil }
        let literal = template.parts.map { part in
            if case .literal(let text) = part { text } else { "" }
        }.joined()
        guard
            literal.utf8.allSatisfy({
                Encoded.isUnreserved($0) || "!$'()*+,:@=&{}".utf8.contains($0)
            }
            )
        else {
            report("a path is written with letters, digits and -._~!$'()*+,:@=& alone")
            return nil
        }
        guard !template.names.isEmpty || !literal.isEmpty || isLast, literal != "..",
            literal != "." || !template.names.isEmpty
        else {
            report("must not hold empty parts, `.` or `..`")
            return nil
        }
        return .one(template)
    }

    private func queryPair(_ text: String) -> NamedTemplate? {
        let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2, !sides[0].isEmpty, sides[0].utf8.allSatisfy(Encoded.isUnreserved)
        else {
            report("must hold pairs like `name={name}` behind `?`; or use `query`")
            return nil
        }
        return textTemplate(of: String(sides[1])).map { NamedTemplate(String(sides[0]), $0) }
    }

    /// A JSON document, in which a text that is one placeholder is a value of its own type.
    func jsonTemplate() -> JSONTemplate? {
        switch value.content {
        case .string:
            guard let text = textTemplate() else { return nil }
            if let name = text.single { return .value(name) }
            return .text(text)
        case .array:
            guard let elements = elements() else { return nil }
            let templates = elements.compactMap { $0.jsonTemplate() }
            return templates.count == elements.count ? .array(templates) : nil
        case .object:
            guard let members = members() else { return nil }
            let templates = members.compactMap { member in
                member.node.jsonTemplate().map { (name: member.name, value: $0) }
            }
            return templates.count == members.count ? .object(templates) : nil
        default: return .literal(value.plain())
        }
    }

    /// `{"fields": "{fields}"}`, in order.
    func namedTemplates() -> [NamedTemplate]? {
        guard let members = members() else { return nil }
        let templates = members.compactMap { member -> NamedTemplate? in
            if case .string = member.node.value.content {
                return member.node.textTemplate().map { NamedTemplate(member.name, $0) }
            }
            member.node.report("must be a string; a number or `true` is written as one")
            return nil
        }
        return templates.count == members.count ? templates : nil
    }
}

/// A URL whose host and path may hold placeholders.
struct URLTemplate {
    let isSecure: Bool
    let host: HostTemplate
    let port: UInt16
    let path: PathTemplate
    let query: [NamedTemplate]
}

extension Node {
    func urlTemplate() -> URLTemplate? {
        guard let text = string() else { return nil }
        let isSecure = text.hasPrefix("https://")
        guard isSecure || text.hasPrefix("http://") else {
            report("must begin with https:// or http://, or be one placeholder")
            return nil
        }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let target = rest[end...].hasPrefix("/") ? String(rest[end...]) : "/" + rest[end...]
        guard let (host, port) = authority(rest[..<end], isSecure: isSecure),
            let (path, query) = pathTemplate(of: target)
        else { return nil }
        return URLTemplate(isSecure: isSecure, host: host, port: port, path: path, query: query)
    }

    private func authority(
        _ text: Substring, isSecure: Bool
    ) -> (host: HostTemplate, port: UInt16)? {
        let scheme = isSecure ? "https" : "http"
        // The placeholders stand for labels, so a letter in their place makes a host of it.
        var plain = ""
        var parts: [TextTemplate.Part] = []
        let colon = text.last == "]" ? nil : text.lastIndex(of: ":")
        let name = text[..<(colon ?? text.endIndex)]
        let labels =
            name.hasPrefix("[")
            ? [name] : name.split(separator: ".", omittingEmptySubsequences: false)
        for label in labels {
            if label.hasPrefix("{"), label.hasSuffix("}") {
                guard let value = placeholder(String(label.dropFirst().dropLast())) else {
                    return nil
                }
                parts.append(.value(value))
                plain += plain.isEmpty ? "x" : ".x"
            } else {
                parts.append(.literal(label.lowercased()))
                plain += plain.isEmpty ? "\(label)" : ".\(label)"
            }
        }
        do throws(HTTPURL.Failure) {
            let url = try HTTPURL("\(scheme)://\(plain)\(text[name.endIndex...])/")
            guard case .literal? = parts.last else {
                report("must end its host with a fixed name")
                return nil
            }
            return (HostTemplate(parts), url.port)
        } catch {
            report("\(error.reason); a placeholder stands for a whole label of the host")
            return nil
        }
    }
}

extension Node {
    /// `$.items[*].id`, `$['odd name'][0]`.
    func documentPath() -> DocumentPath? {
        guard let text = string() else { return nil }
        var rest = text.unicodeScalars[...]
        var steps: [DocumentPath.Step] = []
        guard rest.popFirst() == "$" else { return refusePath() }
        while let mark = rest.popFirst() {
            switch mark {
            case ".":
                let name = rest.prefix { $0 != "." && $0 != "[" }
                guard !name.isEmpty, !name.contains("]"), !name.contains("*") else {
                    return refusePath()
                }
                steps.append(.member(Name(String(name))))
                rest = rest[name.endIndex...]
            case "[":
                guard let end = rest.firstIndex(of: "]"),
                    let step = Self.bracketed(String(rest[..<end]))
                else { return refusePath() }
                steps.append(step)
                rest = rest[rest.index(after: end)...]
            default: return refusePath()
            }
        }
        return DocumentPath(steps)
    }

    private static func bracketed(_ text: String) -> DocumentPath.Step? {
        if text.isByteEqual(to: "*") { return .every }
        if text.utf8.count > 2, text.hasPrefix("'"), text.hasSuffix("'") {
            return .member(Name(String(text.dropFirst().dropLast())))
        }
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isPlain ? Int(text).map { .element($0) } : nil
    }

    private func refusePath() -> DocumentPath? {
        report("must be a path like \"$.customer.name\", \"$.items[0]\" or \"$.items[*].id\"")
        return nil
    }
}
