package import JSON

/// One request on an HTTP backend, with places for values. There is no text that is put together
/// from values: each is encoded for where it stands.
package struct HTTPOperation: Sendable {
    package enum Target: Sendable {
        /// Below the backend's base URL.
        case path(PathTemplate)
        case url(isSecure: Bool, host: HostTemplate, port: UInt16, PathTemplate)
        /// The argument of this name is the whole URL.
        case given(Name)
    }

    package enum Body: Sendable {
        case none
        case json(JSONTemplate)
        case form([NamedTemplate])
    }

    package var method: String
    package var target: Target
    package var query: [NamedTemplate]
    package var headers: [NamedTemplate]
    package var body: Body
    /// Sends an `Idempotency-Key` that is the same for every attempt of one call.
    package var isKeyed: Bool
    package var result: ResultForm
    /// Values that the caller's identity gives; neither shown to the model nor set by it.
    package var bound: [(name: Name, value: CallerTemplate)] = []

    package init(
        method: String, target: Target, query: [NamedTemplate] = [], headers: [NamedTemplate] = [],
        body: Body = .none, isKeyed: Bool = false, result: ResultForm = ResultForm()
    ) {
        self.method = method
        self.target = target
        self.query = query
        self.headers = headers
        self.body = body
        self.isKeyed = isKeyed
        self.result = result
    }

    /// GET and HEAD ask and do not change (RFC 9110 section 9.2.1).
    package var isReading: Bool { method == "GET" || method == "HEAD" }

    /// Whether a repetition is no second change (RFC 9110 section 9.2.2).
    package var isRepeatable: Bool {
        isReading || isKeyed || ["PUT", "DELETE", "OPTIONS"].contains(method)
    }
}

/// Text with places for values: `report-{id}`.
package struct TextTemplate: Sendable {
    package enum Part: Sendable {
        case literal(String)
        case value(Name)
    }

    package var parts: [Part]

    package init(_ parts: [Part]) { self.parts = parts }

    package var names: [Name] {
        parts.compactMap { if case .value(let name) = $0 { name } else { nil } }
    }

    /// The name, where the whole text is one value.
    package var single: Name? { parts.count == 1 ? names.first : nil }
}

package struct NamedTemplate: Sendable {
    package var name: String
    package var value: TextTemplate

    package init(_ name: String, _ value: TextTemplate) {
        self.name = name
        self.value = value
    }
}

package struct PathTemplate: Sendable {
    package enum Segment: Sendable {
        /// Exactly one segment, whatever the values are.
        case one(TextTemplate)
        /// `{+name}`: as many as the value has.
        case several(Name)
    }

    package var segments: [Segment]

    package init(_ segments: [Segment]) { self.segments = segments }

    package var names: [Name] {
        segments.flatMap { segment in
            switch segment {
            case .one(let text): text.names
            case .several(let name): [name]
            }
        }
    }
}

/// A host whose labels are fixed or one value each.
package struct HostTemplate: Sendable {
    /// An IPv6 address, in brackets, is one label.
    package var labels: [TextTemplate.Part]

    package init(_ labels: [TextTemplate.Part]) { self.labels = labels }

    package var names: [Name] { TextTemplate(labels).names }
}

package indirect enum JSONTemplate: Sendable {
    case literal(JSONValue)
    /// The value with its own type.
    case value(Name)
    case text(TextTemplate)
    case array([JSONTemplate])
    case object([(name: String, value: JSONTemplate)])

    package var names: [Name] {
        switch self {
        case .literal: []
        case .value(let name): [name]
        case .text(let text): text.names
        case .array(let elements): elements.flatMap(\.names)
        case .object(let members): members.flatMap(\.value.names)
        }
    }
}

extension HTTPOperation {
    /// The inputs that take part, each as often as it stands there.
    package var names: [Name] {
        let target: [Name] =
            switch self.target {
            case .path(let path): path.names
            case .url(_, let host, _, let path): host.names + path.names
            case .given(let name): [name]
            }
        let body: [Name] =
            switch self.body {
            case .none: []
            case .json(let template): template.names
            case .form(let fields): fields.flatMap(\.value.names)
            }
        return target + (query + headers).flatMap(\.value.names) + body
    }

    /// The inputs that may be lists and objects, because they stand in a JSON body as they are.
    package var structuredNames: [Name] {
        func whole(_ template: JSONTemplate) -> [Name] {
            switch template {
            case .value(let name): [name]
            case .array(let elements): elements.flatMap(whole)
            case .object(let members): members.flatMap { whole($0.value) }
            case .literal, .text: []
            }
        }
        guard case .json(let template) = body else { return [] }
        let all = names
        return whole(template).filter { name in all.count { $0 == name } == 1 }
    }
}
