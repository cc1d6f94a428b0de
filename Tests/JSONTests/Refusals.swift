import JSON

func parse(_ text: String) throws(JSONError) -> JSONValue {
    try JSONParser.parse(Array(text.utf8))
}

/// Why a text is refused; nil when it is accepted.
func refusal(_ text: String) -> JSONError.Reason? { refusal(Array(text.utf8)) }

func refusal(_ bytes: [UInt8]) -> JSONError.Reason? {
    do throws(JSONError) {
        _ = try JSONParser.parse(bytes)
        return nil
    } catch {
        return error.reason
    }
}
