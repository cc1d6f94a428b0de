internal import JSON

/// The nodes of an analysed tree that are understood; any other makes lineage unknown.
enum PostgresNodes {
    private static let known: Set<String> = [
        "VAR", "CONST", "PARAM", "AGGREF", "GROUPINGFUNC", "WINDOWFUNC", "SUBSCRIPTINGREF",
        "FUNCEXPR", "NAMEDARGEXPR", "OPEXPR", "DISTINCTEXPR", "NULLIFEXPR", "SCALARARRAYOPEXPR",
        "BOOLEXPR", "SUBLINK", "FIELDSELECT", "FIELDSTORE", "RELABELTYPE", "COERCEVIAIO",
        "ARRAYCOERCEEXPR", "CONVERTROWTYPEEXPR", "COLLATEEXPR", "CASEEXPR", "CASE", "WHEN",
        "CASEWHEN", "CASETESTEXPR", "ARRAYEXPR", "ARRAY", "ROWEXPR", "ROW", "ROWCOMPAREEXPR",
        "ROWCOMPARE", "COALESCEEXPR", "COALESCE", "MINMAXEXPR", "MINMAX", "SQLVALUEFUNCTION",
        "XMLEXPR", "NULLTEST", "BOOLEANTEST", "COERCETODOMAIN", "COERCETODOMAINVALUE",
        "SETTODEFAULT", "CURRENTOFEXPR", "NEXTVALUEEXPR", "INFERENCEELEM", "TARGETENTRY",
        "RANGETBLREF", "JOINEXPR", "FROMEXPR", "ONCONFLICTEXPR", "MERGEACTION", "QUERY",
        "SORTGROUPCLAUSE", "RANGETBLFUNCTION", "TABLESAMPLECLAUSE", "TABLEFUNC", "GROUPINGSET",
        "WINDOWCLAUSE", "ALIAS",
    ]

    /// Those that hold a query together.
    private static let holding: Set<String> = [
        "RANGETBLENTRY", "RTEPERMISSIONINFO", "COMMONTABLEEXPR", "SETOPERATIONSTMT",
        "CTESEARCHCLAUSE", "CTECYCLECLAUSE", "ROWMARKCLAUSE",
    ]

    static func isKnown(_ tree: PostgresTree, _ item: Int) -> Bool {
        known.contains(tree.tag(item))
    }

    static func isExpected(_ tree: PostgresTree, _ item: Int) -> Bool {
        let tag = tree.tag(item)
        return known.contains(tag) || holding.contains(tag)
    }
}

/// Whether an expression has a value for whatever is stored: one that can fail tells, by failing,
/// what it computes on.
struct PostgresTotality {
    let tree: PostgresTree
    let snapshot: PostgresSnapshot

    func isTotal(_ root: Int) -> Bool {
        let range = tree.range(of: root)
        var item = range.lowerBound
        while item < range.upperBound {
            if tree.isNode(item, "QUERY") {
                // Judged by itself.
                item = tree.range(of: item).upperBound
                continue
            }
            if tree.items[item].kind == .node, !isTotalNode(item) { return false }
            item += 1
        }
        return true
    }

    private func isTotalNode(_ item: Int) -> Bool {
        switch tree.tag(item) {
        case "FUNCEXPR": !tree.isTrue(item, "funcretset") && isTotalFunction(item, "funcid")
        case "OPEXPR", "DISTINCTEXPR", "NULLIFEXPR", "SCALARARRAYOPEXPR":
            isTotalFunction(item, "opfuncid")
        case "AGGREF": isTotalFunction(item, "aggfnoid")
        case "WINDOWFUNC": isTotalFunction(item, "winfnoid")
        case "COERCEVIAIO": Self.textTypes.contains(tree.integer(item, "resulttype") ?? 0)
        case "ARRAYCOERCEEXPR", "COERCETODOMAIN", "XMLEXPR", "CURRENTOFEXPR", "SUBSCRIPTINGREF":
            false
        default: true
        }
    }

    private func isTotalFunction(_ item: Int, _ field: StaticString) -> Bool {
        guard let number = tree.integer(item, field),
            let function = snapshot.functions[UInt32(truncatingIfNeeded: number)]
        else { return false }
        return function.schema == "pg_catalog" && Self.functions.contains(function.name.text)
    }

    /// text, varchar, bpchar, name, unknown, json.
    private static let textTypes: Set<Int> = [25, 1043, 1042, 19, 705]

    private static let functions: Set<String> = [
        // Comparisons and what text is made of.
        "texteq", "textne", "text_lt", "text_le", "text_gt", "text_ge", "textcat", "anytextcat",
        "textanycat", "int4eq", "int4ne", "int4lt", "int4le", "int4gt", "int4ge", "int8eq",
        "int8ne", "int8lt", "int8le", "int8gt", "int8ge", "int2eq", "int2ne", "numeric_eq",
        "numeric_ne", "numeric_lt", "numeric_le", "numeric_gt", "numeric_ge", "booleq", "boolne",
        "date_eq", "date_ne", "date_lt", "date_le", "date_gt", "date_ge", "timestamp_eq",
        "timestamptz_eq", "uuid_eq", "uuid_ne", "bpchareq", "bpcharne",
        "upper", "lower", "initcap", "length", "char_length", "character_length", "octet_length",
        "bit_length", "md5", "reverse", "left", "right", "replace", "translate", "btrim", "ltrim",
        "rtrim", "concat", "concat_ws", "strpos", "position", "ascii", "substr", "starts_with",
        "split_part", "quote_literal", "quote_ident", "quote_nullable", "varchar", "bpchar", "text",
        "name", "encode", "pg_typeof", "pg_column_size", "num_nulls", "num_nonnulls",
        // Rows and JSON.
        "row_to_json", "to_json", "to_jsonb", "json_build_object", "jsonb_build_object",
        "json_build_array", "jsonb_build_array", "array_to_json", "jsonb_object_field",
        "jsonb_object_field_text", "json_object_field", "json_object_field_text", "jsonb_delete",
        "jsonb_exists", "jsonb_strip_nulls", "json_strip_nulls", "jsonb_typeof", "json_typeof",
        // Aggregates and windows.
        "count", "min", "max", "array_agg", "string_agg", "json_agg", "jsonb_agg", "bool_and",
        "bool_or", "every", "row_number", "rank", "dense_rank", "percent_rank", "cume_dist",
        "first_value", "last_value", "lag", "lead",
    ]
}
