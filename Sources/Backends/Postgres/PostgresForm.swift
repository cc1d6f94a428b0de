internal import Enforcement

/// How the text of one type becomes JSON.
indirect enum PostgresForm: Sendable, Equatable {
    /// Is a JSON number as it stands.
    case integer
    /// A JSON number but for NaN and the infinities.
    case number
    case bool
    case text
    case bytes
    /// Canonical JSON by the server's own hand.
    case binaryJSON
    /// JSON as somebody typed it: names may be there twice.
    case typedJSON
    case timestamp
    case timestampWithZone
    case array(of: PostgresForm, delimiter: UInt8)
    case composite([PostgresField])

    var kind: Column.Kind {
        switch self {
        case .integer: .integer
        case .number: .numberOrText
        case .bool: .boolean
        case .text, .bytes, .timestamp, .timestampWithZone: .string
        case .binaryJSON, .typedJSON, .array, .composite: .json
        }
    }

    /// What a value of it is in an answer, where its text is not looked at.
    var cellKind: Rows.Kind {
        switch self {
        case .integer, .number: .number
        case .bool: .bool
        case .text, .bytes, .timestamp, .timestampWithZone: .text
        case .binaryJSON, .typedJSON, .array, .composite: .json
        }
    }

    /// What is done with most texts of a form, for which nothing need be looked up.
    enum Shape: UInt8 { case integer, number, text, timestampWithZone, other }

    var shape: Shape {
        switch self {
        case .integer: .integer
        case .number: .number
        case .text: .text
        case .timestampWithZone: .timestampWithZone
        default: .other
        }
    }

    /// Types that every database has under the same number (`pg_type.dat`); nil for others.
    static func builtIn(_ type: UInt32) -> PostgresForm? {
        switch type {
        case 16: .bool
        case 17: .bytes
        case 20, 21, 23, 26: .integer
        case 114: .typedJSON
        case 700, 701, 1700: .number
        case 1114: .timestamp
        case 1184: .timestampWithZone
        case 3802: .binaryJSON
        // text, varchar, char, name, uuid, date, time, timetz, interval, inet, cidr, macaddr, bit.
        case 22, 30, 25, 1043, 1042, 19, 2950, 1082, 1083, 1266, 1186, 869, 650, 829, 1560, 1562:
            .text
        default: nil
        }
    }
}

struct PostgresField: Sendable, Equatable {
    var name: String
    var form: PostgresForm
}
