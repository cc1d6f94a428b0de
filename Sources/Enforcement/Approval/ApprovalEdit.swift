// May a person change what was asked for?
//
// The changed arguments are another call, so every stage judges them anew, as if the caller had
// sent them; what they said of the former ones counts no more. The request stays the one that its
// caller has a handle of, and nobody runs or approves a change that they were not shown.

package import JSON

/// Arguments that every stage has judged in place of a request's. Only the approval stage makes it.
package struct ApprovalEdit: Sendable {
    let request: Name
    /// What was changed: another change meanwhile is another matter.
    let base: Digest32
    let arguments: JSONObject
    let binding: ApprovalBinding
    let needs: [ApprovalRequest.Need]
    /// `was` and `now`, for the record.
    let recordMembers: [UInt8]

    fileprivate init(
        _ request: ApprovalRequest, _ arguments: JSONObject, _ binding: ApprovalBinding,
        _ needs: [ApprovalRequest.Need], recordMembers: [UInt8]
    ) {
        self.request = request.id
        base = request.binding
        self.arguments = arguments
        self.binding = binding
        self.needs = needs
        self.recordMembers = recordMembers
    }
}

extension ApprovalStage {
    /// The rules that wanted a person for the former arguments still do, whatever these are.
    func edit(
        _ request: ApprovalRequest, as call: ScreenedCall
    ) async throws(Refusal) -> ApprovalEdit {
        guard let means, let needs = Self.needs(of: call.holding) else {
            throw .approvalUnreachable(call.holding)
        }
        let scoped = call.examined.scoped
        let others = request.needs.filter { need in !needs.contains { $0.rule == need.rule } }
        let arguments = scoped.arrived.arguments
        var writer = JSONWriter()
        let changes = ArgumentChange.between(request.arguments, arguments)
        for (name, values) in [
            ("was", changes.compactMap { change in change.was.map { (change.name, $0) } }),
            ("now", changes.compactMap { change in change.now.map { (change.name, $0) } }),
        ] {
            var line = ArgumentsLine(JSONObject(distinct: values), of: scoped.guarded)
            line.write(as: name, into: &writer)
        }
        return ApprovalEdit(
            request, arguments, try await binding(of: call.examined, means), needs + others,
            recordMembers: writer.finish())
    }
}

/// One argument that is another than before, by its name.
package struct ArgumentChange: Sendable {
    package let name: String
    package let was: JSONValue?
    package let now: JSONValue?

    package static func between(_ old: JSONObject, _ new: JSONObject) -> [ArgumentChange] {
        let changed = old.members.filter { member in new[member.name] != member.value }.map {
            ArgumentChange(name: $0.name, was: $0.value, now: new[$0.name])
        }
        let added = new.members.filter { old[$0.name] == nil }.map {
            ArgumentChange(name: $0.name, was: nil, now: $0.value)
        }
        return changed + added
    }

    /// `"amount": 500 → 100`, as one sees it for whom the mask is.
    func line(_ mask: inout DocumentMask) -> String {
        var sides = (name: name, shown: [String]())
        for value in [was, now] {
            guard let value else {
                sides.shown.append("(none)")
                continue
            }
            let masked = mask.masked(.object(JSONObject(distinct: [(name, value)]))).object?.members
                .first
            sides.name = masked?.name ?? ""
            sides.shown.append(masked?.value.text ?? "")
        }
        let text = "\(JSONValue.string(sides.name).text): \(sides.shown.joined(separator: " → "))"
        return VisibleText.escaped(text)
    }
}

extension ApprovalRequest {
    static let editsMax = 10

    /// With these members in place of those of their names; null takes one away.
    package func arguments(changing members: JSONObject) -> JSONObject {
        var changed = arguments
        for member in members.members {
            changed[member.name] = member.value == .null ? nil : member.value
        }
        return changed
    }

    /// From what the caller asked for to what would run.
    package var changes: [ArgumentChange] {
        asked.map { ArgumentChange.between($0, arguments) } ?? []
    }

    /// One change each, as one sees it for whom the mask is.
    package func changeLines(_ mask: inout DocumentMask) -> [String] {
        var lines: [String] = []
        for change in changes { lines.append(change.line(&mask)) }
        return lines
    }

    func hasEdited(_ person: Person) -> Bool { edits.contains { $0.person.mayBe(person) } }

    /// Whoever may decide may change it as long as nothing runs. All that was said of it before is
    /// gone, the caller's own yes included, and who changed it never approves it.
    mutating func modify(
        _ editor: Caller, _ edit: ApprovalEdit, now: Int
    ) throws(ApprovalObjection) {
        try check(editor, now: now)
        guard phase == .pending || phase == .approved else { throw .over(phase) }
        guard !isForAccess else { throw .onlyNarrower }
        guard edit.request == id, edit.base == binding else { throw .raced }
        guard edit.binding.digest != binding else { throw .sameArguments }
        guard edits.count < Self.editsMax else { throw .tooManyEdits }
        asked = asked ?? arguments
        arguments = edit.arguments
        request = edit.binding.request
        touches = edit.binding.touches
        needs = edit.needs
        binding = edit.binding.digest
        edits.append(Edit(person: Person(editor), at: now))
        votes = []
        question = nil
        end = nil
        phase = .pending
        guard body.count <= ApprovalBook.bodyBytesMax else { throw .unusable(.tooLargeToApprove) }
    }
}
