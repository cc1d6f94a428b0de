internal import Enforcement
internal import JSON

/// What the catalogue says about the objects that a tree names by number.
struct PostgresSnapshot {
    struct Relation {
        var schema: Name
        var name: Name
        /// `pg_class.relkind`.
        var kind: UInt8
        var isPartition = false
        /// By number; system columns are not here.
        var columns: [Int: Attribute] = [:]
        /// Partitions and tables that inherit.
        var children: [UInt32] = []
        var parents: [UInt32] = []
        var rules: [Rule] = []
        /// Numbers of columns in unique keys: a change that is refused tells what is there.
        var keys: Set<Int> = []
        /// The columns that each CHECK names.
        var checks: [Set<Int>] = []
        /// Of each foreign key its columns, and those that it points to.
        var references: [(columns: Set<Int>, keys: Set<PostgresColumnNumber>)] = []

        var qualified: Name { Name("\(schema).\(name)") }
    }

    struct Attribute {
        var name: Name
        var isNotNull = false
        /// The columns of the same table from which it is generated.
        var generatedFrom: Set<Int> = []
    }

    /// A rule of the rewriter; of a view the one that makes it.
    struct Rule {
        /// 1 select, 2 update, 3 insert, 4 delete.
        var event: Int
        var isInstead: Bool
        var action: PostgresTree
        /// The condition; nil without one.
        var condition: PostgresTree?
    }

    struct Function {
        enum Body {
            /// Code that runs no statement of its own that we know of.
            case native
            /// Analysed, one tree a statement.
            case statements([PostgresTree])
            /// May do anything.
            case opaque
        }

        var schema: Name
        var name: Name
        var isVolatile: Bool
        /// Written in C or a part of the server.
        var isNative: Bool
        var body: Body
        /// What it calls by itself: an aggregate its transition, and so on.
        var calls: [UInt32] = []

        var qualified: Name { Name("\(schema).\(name)") }
    }

    var relations: [UInt32: Relation] = [:]
    var functions: [UInt32: Function] = [:]
    /// Operator to the function behind it.
    var operators: [UInt32: UInt32] = [:]
}

/// A column of a relation, by numbers; 0 is the whole row.
struct PostgresColumnNumber: Hashable {
    var relation: UInt32
    var number: Int
}

/// The numbers that a tree names.
struct PostgresNumbers {
    var relations: Set<UInt32> = []
    var functions: Set<UInt32> = []
    var operators: Set<UInt32> = []

    mutating func formUnion(_ other: PostgresNumbers) {
        relations.formUnion(other.relations)
        functions.formUnion(other.functions)
        operators.formUnion(other.operators)
    }

    var isEmpty: Bool { relations.isEmpty && functions.isEmpty && operators.isEmpty }
}

extension PostgresTree {
    /// Every relation, function and operator anywhere in it, by the fields that hold them.
    var numbers: PostgresNumbers {
        var numbers = PostgresNumbers()
        for item in items.indices {
            let kind = items[item].kind
            if kind == .atom, let number = integer(item), number > 0 {
                let number = UInt32(truncatingIfNeeded: number)
                if isField(item, "relid") {
                    numbers.relations.insert(number)
                } else if isFunctionField(item) {
                    numbers.functions.insert(number)
                } else if isOperatorField(item) {
                    numbers.operators.insert(number)
                }
            } else if kind == .list, isField(item, "opnos") {
                numbers.operators.formUnion(
                    children(of: item).compactMap { integer($0) }.map(UInt32.init))
            }
        }
        return numbers
    }

    private func isFunctionField(_ item: Int) -> Bool {
        isField(item, "funcid") || isField(item, "opfuncid") || isField(item, "aggfnoid")
            || isField(item, "winfnoid") || isField(item, "tsmhandler")
            || isField(item, "startInRangeFunc") || isField(item, "endInRangeFunc")
            || isField(item, "elemfuncid") || isField(item, "hashfuncid")
            || isField(item, "negfuncid")
    }

    private func isOperatorField(_ item: Int) -> Bool {
        isField(item, "opno") || isField(item, "eqop") || isField(item, "sortop")
            || isField(item, "cycle_mark_neop")
    }
}
