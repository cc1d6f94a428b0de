import Enforcement
import JSON

/// Whether a tool's inputs and its request belong together.
struct HTTPToolCheck {
    let findings: Findings

    /// `used` are the inputs that the request takes, those of the backend's base URL too.
    func check(_ manifest: ToolManifest, _ http: HTTPOperation, used: [Name]) {
        checkNames(of: manifest, used)
        checkTypes(of: manifest, http)
        checkEffect(of: manifest, http)
    }

    private func checkNames(of manifest: ToolManifest, _ used: [Name]) {
        let declared = manifest.input.properties + manifest.bind.map(\.name)
        let names = declared.map(\.value)
        for name in Set(used).subtracting(names).sorted() {
            let near = nearest(name.text, among: names.map(\.text))
            let hint = near.map { "; did you mean \(quoted("{\($0)}"))?" } ?? ""
            findings.problem(
                "\(quoted("{\(name.text)}")) is neither an input nor bound\(hint)",
                at: manifest.action.place)
        }
        for property in declared where !used.contains(property.value) {
            findings.problem(
                "is never used: the request has no \(quoted("{\(property.value.text)}"))",
                at: property.place)
        }
    }

    /// A list or an object has a place in a JSON body alone, as one whole value.
    private func checkTypes(of manifest: ToolManifest, _ http: HTTPOperation) {
        for property in manifest.input.properties
        where !http.structuredNames.contains(property.value) {
            let type = manifest.input.schema["properties"]?[property.value.text]?["type"]
            let types = type?.array ?? type.map { [$0] } ?? []
            let isStructured = types.contains {
                $0.string?.isByteEqual(to: "array") == true
                    || $0.string?.isByteEqual(to: "object") == true
            }
            if isStructured {
                findings.problem(
                    "can hold more than one value, so it must stand in `body` alone, as a whole",
                    at: property.place)
            }
        }
    }

    /// What a method changes is the other side's word; some of them do nothing else.
    private func checkEffect(of manifest: ToolManifest, _ http: HTTPOperation) {
        guard manifest.effect.value == .read, !http.isReading else { return }
        if http.method == "POST" {
            findings.warning(
                "is `read`, but POST changes something on most servers", at: manifest.effect.place)
        } else {
            findings.problem(
                "is `read`, but \(http.method) changes something", at: manifest.effect.place)
        }
    }
}
