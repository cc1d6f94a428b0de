/// Why a text is not one acceptable JSON document, and where.
///
/// The message is chosen from a fixed list, so that it can never echo what was sent.
package struct JSONError: Error, Equatable {
    /// In bytes from the start of the text.
    package let offset: Int
    package let reason: Reason

    package var message: String { reason.rawValue }

    package init(offset: Int, reason: Reason) {
        self.offset = offset
        self.reason = reason
    }

    package enum Reason: String, Sendable {
        case tooLong = "the text is longer than the limit"
        case tooDeep = "values are nested deeper than the limit"
        case endsEarly = "the text ends before the value is complete"
        case expectedValue = "expected a value"
        case expectedName = "expected a member name in double quotes"
        case expectedColon = "expected `:` after the member name"
        case expectedCommaOrBrace = "expected `,` or `}` after the member"
        case expectedCommaOrBracket = "expected `,` or `]` after the element"
        case expectedEnd = "expected the end of the text after the value"
        case expectedDigit = "expected a digit"
        case leadingZero = "a number must not start with a superfluous 0"
        case controlCharacter = "a control character in a string must be escaped"
        case unknownEscape = "expected one of `\"\\/bfnrtu` after the backslash"
        case expectedHexDigit = "expected four hexadecimal digits after `\\u`"
        case loneSurrogate = "a surrogate escape must be half of a pair"
        case invalidUTF8 = "expected well-formed UTF-8"
        case duplicateName = "a member name must not occur twice in one object"
        case unclosedComment = "expected `*/` before the end of the text"
    }
}

package struct JSONLimits: Sendable {
    /// Arrays and objects inside one another; never more than 512, whatever is asked for, because
    /// the parser and every walk over its tree use the stack of the thread.
    package var depth: Int
    package var bytes: Int

    package init(depth: Int = 64, bytes: Int = 4 << 20) {
        self.depth = min(depth, 512)
        self.bytes = bytes
    }
}
