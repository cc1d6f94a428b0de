import Testing

@testable import Backends

/// The reader of the server's trees: every item is there, nothing exhausts a stack, and what is no
/// tree is an error.
@Suite struct PostgresTreeTests {
    private static func tree(_ text: String) throws -> PostgresTree {
        try PostgresTree(Array(text.utf8))
    }

    @Test func nodesFieldsListsAndAtomsAreWhatTheyAre() throws {
        let tree = try Self.tree("({A :name x :list ({B :n 1} {B :n 2}) :set (b 8 11) :none <>})")
        let node = try #require(tree.items.indices.first { tree.isNode($0, "A") })
        #expect(tree.string(node, "name") == "x")
        #expect(tree.nodes(node, "list").map { tree.integer($0, "n") } == [1, 2])
        #expect(tree.integers(node, "set") == [8, 11])
        #expect(tree.node(node, "none") == nil)
        #expect(tree.string(node, "none") == nil)
        #expect(tree.range(of: node).count == tree.items.count - 1)
    }

    /// A caller chooses names: none may pass for a field, a node or the end of one.
    @Test(arguments: [
        (#"{A :name :relid :relid 5}"#, ":relid"),
        (#"{A :name a\ \}\ :relid\ 7 :relid 5}"#, "a } :relid 7"),
        (#"{A :name \<> :relid 5}"#, "<>"),
        (#"{A :name "" :relid 5}"#, ""),
        (#"{A :name \\ :relid 5}"#, #"\"#),
    ])
    func aNameThatLooksLikeSomethingElseIsAName(_ text: String, _ name: String) throws {
        let tree = try Self.tree(text)
        #expect(tree.string(0, "name") == name)
        #expect(tree.integer(0, "relid") == 5)
        #expect(tree.numbers.relations == [5])
    }

    @Test func aFieldOfSeveralWordsKeepsThemAll() throws {
        let tree = try Self.tree("{CONST :constvalue 4 [ 1 0 0 0 ] :location 3}")
        #expect(tree.integer(0, "constvalue") == 4)
        #expect(tree.integer(0, "location") == 3)
    }

    @Test(arguments: [
        "", "{", "}", "{A", "({A}", "{A :b}", "{A x}", "{A :b 1})", "(}", "{A (1)}", #"{A :b "x}"#,
        "{ :a 1}",
    ])
    func whatIsNoTreeIsAnError(_ text: String) {
        #expect(throws: PostgresTree.Malformed.self) { try Self.tree(text) }
    }

    @Test func depthIsBoundedAndCostsNoStack() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "(", count: depth) + String(repeating: ")", count: depth)
        }
        #expect(try Self.tree(nested(PostgresTree.depthMax)).items.count == PostgresTree.depthMax)
        #expect(throws: PostgresTree.Malformed.self) {
            try Self.tree(nested(PostgresTree.depthMax + 1))
        }
    }

    @Test func twoSubtreesAreTheSameWhereverTheyStood() throws {
        let tree = try Self.tree(
            "({V :n 1 :location 5} {V :n 1 :location 9} {V :n 2 :location 5} {W :n 1 :location 5})")
        let nodes = tree.items.indices.filter { tree.items[$0].kind == .node }
        #expect(tree.isSame(nodes[0], nodes[1]))
        #expect(!tree.isSame(nodes[0], nodes[2]))
        #expect(!tree.isSame(nodes[0], nodes[3]))
    }

    @Test func everyFunctionAndOperatorIsFoundByItsField() throws {
        let tree = try Self.tree(
            """
            ({F :funcid 1} {O :opno 2 :opfuncid 3} {G :aggfnoid 4} {W :winfnoid 5} {S :eqop 6 :sortop 7}
            {R :opnos (o 8 9)} {T :tsmhandler 10} {Q :relid 11} {N :relid 0})
            """)
        #expect(tree.numbers.functions == [1, 3, 4, 5, 10])
        #expect(tree.numbers.operators == [2, 6, 7, 8, 9])
        #expect(tree.numbers.relations == [11])
    }
}
