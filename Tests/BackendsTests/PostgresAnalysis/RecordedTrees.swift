/// Trees as the server wrote them (PostgreSQL 15), without the fields that nobody reads. Relation 100 is
/// people(id, name, secret), 200 is notes(id, body).
enum RecordedTrees {
    /// SELECT id, lower(secret) AS s FROM people ORDER BY name
    static let ordered = #"""
        (({QUERY :commandType 1 :resultRelation 0 :rtable ({RANGETBLENTRY :eref {ALIAS :aliasname
        people :colnames ("id" "name" "secret")} :rtekind 0 :relid 100 :relkind r :inh true
        :inFromCl true :selectedCols (b 8 9 10)}) :jointree {FROMEXPR :fromlist ({RANGETBLREF
        :rtindex 1})} :targetList ({TARGETENTRY :expr {VAR :varno 1 :varattno 1 :varlevelsup 0}
        :resno 1 :resname id :ressortgroupref 0 :resjunk false} {TARGETENTRY :expr {FUNCEXPR :funcid
        870 :funcretset false :args ({VAR :varno 1 :varattno 3 :varlevelsup 0})} :resno 2 :resname s
        :ressortgroupref 0 :resjunk false} {TARGETENTRY :expr {VAR :varno 1 :varattno 2 :varlevelsup
        0} :resno 3 :ressortgroupref 1 :resjunk true}) :sortClause ({SORTGROUPCLAUSE
        :tleSortGroupRef 1 :eqop 98 :sortop 664})}))
        """#

    /// DELETE FROM people WHERE id = id
    static let tautology = #"""
        (({QUERY :commandType 4 :resultRelation 1 :rtable ({RANGETBLENTRY :eref {ALIAS :aliasname
        people :colnames ("id" "name" "secret")} :rtekind 0 :relid 100 :relkind r :inh true
        :inFromCl false :selectedCols (b 8)}) :jointree {FROMEXPR :fromlist ({RANGETBLREF :rtindex
        1}) :quals {OPEXPR :opno 96 :opfuncid 65 :args ({VAR :varno 1 :varattno 1 :varlevelsup 0}
        {VAR :varno 1 :varattno 1 :varlevelsup 0})}}}))
        """#

    /// DELETE FROM people WHERE id = 1
    static let limited = #"""
        (({QUERY :commandType 4 :resultRelation 1 :rtable ({RANGETBLENTRY :eref {ALIAS :aliasname
        people :colnames ("id" "name" "secret")} :rtekind 0 :relid 100 :relkind r :inh true
        :inFromCl false :selectedCols (b 8)}) :jointree {FROMEXPR :fromlist ({RANGETBLREF :rtindex
        1}) :quals {OPEXPR :opno 96 :opfuncid 65 :args ({VAR :varno 1 :varattno 1 :varlevelsup 0}
        {CONST :consttype 23 :constcollid 0 :constlen 4 :constbyval true :constisnull false
        :constvalue 4 [ 1 0 0 0 0 0 0 0 ]})}}}))
        """#

    /// WITH c AS (SELECT secret AS x FROM people) SELECT x FROM c
    static let common = #"""
        (({QUERY :commandType 1 :resultRelation 0 :cteList ({COMMONTABLEEXPR :ctename c :ctequery
        {QUERY :commandType 1 :resultRelation 0 :rtable ({RANGETBLENTRY :eref {ALIAS :aliasname
        people :colnames ("id" "name" "secret")} :rtekind 0 :relid 100 :relkind r :inh true
        :inFromCl true :selectedCols (b 10)}) :jointree {FROMEXPR :fromlist ({RANGETBLREF :rtindex
        1})} :targetList ({TARGETENTRY :expr {VAR :varno 1 :varattno 3 :varlevelsup 0} :resno 1
        :resname x :ressortgroupref 0 :resjunk false})} :cterecursive false :ctecolnames ("x")})
        :rtable ({RANGETBLENTRY :eref {ALIAS :aliasname c :colnames ("x")} :rtekind 6 :ctename c
        :ctelevelsup 0 :self_reference false :inh false :inFromCl true}) :jointree {FROMEXPR
        :fromlist ({RANGETBLREF :rtindex 1})} :targetList ({TARGETENTRY :expr {VAR :varno 1
        :varattno 1 :varlevelsup 0} :resno 1 :resname x :ressortgroupref 0 :resjunk false})}))
        """#

    /// SELECT secret FROM people UNION ALL SELECT body FROM notes
    static let union = #"""
        (({QUERY :commandType 1 :resultRelation 0 :rtable ({RANGETBLENTRY :alias {ALIAS :aliasname
        *SELECT*\ 1} :eref {ALIAS :aliasname *SELECT*\ 1 :colnames ("secret")} :rtekind 1 :subquery
        {QUERY :commandType 1 :resultRelation 0 :rtable ({RANGETBLENTRY :eref {ALIAS :aliasname
        people :colnames ("id" "name" "secret")} :rtekind 0 :relid 100 :relkind r :inh true
        :inFromCl true :selectedCols (b 10)}) :jointree {FROMEXPR :fromlist ({RANGETBLREF :rtindex
        1})} :targetList ({TARGETENTRY :expr {VAR :varno 1 :varattno 3 :varlevelsup 0} :resno 1
        :resname secret :ressortgroupref 0 :resjunk false})} :security_barrier false :inh false
        :inFromCl false} {RANGETBLENTRY :alias {ALIAS :aliasname *SELECT*\ 2} :eref {ALIAS
        :aliasname *SELECT*\ 2 :colnames ("body")} :rtekind 1 :subquery {QUERY :commandType 1
        :resultRelation 0 :rtable ({RANGETBLENTRY :eref {ALIAS :aliasname notes :colnames ("id"
        "body")} :rtekind 0 :relid 200 :relkind r :inh true :inFromCl true :selectedCols (b 9)})
        :jointree {FROMEXPR :fromlist ({RANGETBLREF :rtindex 1})} :targetList ({TARGETENTRY :expr
        {VAR :varno 1 :varattno 2 :varlevelsup 0} :resno 1 :resname body :ressortgroupref 0 :resjunk
        false})} :security_barrier false :inh false :inFromCl false}) :jointree {FROMEXPR}
        :targetList ({TARGETENTRY :expr {VAR :varno 1 :varattno 1 :varlevelsup 0} :resno 1 :resname
        secret :ressortgroupref 0 :resjunk false}) :setOperations {SETOPERATIONSTMT :op 1 :all true
        :larg {RANGETBLREF :rtindex 1} :rarg {RANGETBLREF :rtindex 2}}}))
        """#

    /// UPDATE people SET name = secret WHERE id = 1 RETURNING name
    static let launder = #"""
        (({QUERY :commandType 2 :resultRelation 1 :rtable ({RANGETBLENTRY :eref {ALIAS :aliasname
        people :colnames ("id" "name" "secret")} :rtekind 0 :relid 100 :relkind r :inh true
        :inFromCl false :selectedCols (b 8 9 10) :updatedCols (b 9)}) :jointree {FROMEXPR :fromlist
        ({RANGETBLREF :rtindex 1}) :quals {OPEXPR :opno 96 :opfuncid 65 :args ({VAR :varno 1
        :varattno 1 :varlevelsup 0} {CONST :consttype 23 :constcollid 0 :constlen 4 :constbyval true
        :constisnull false :constvalue 4 [ 1 0 0 0 0 0 0 0 ]})}} :targetList ({TARGETENTRY :expr
        {VAR :varno 1 :varattno 3 :varlevelsup 0} :resno 2 :resname name :ressortgroupref 0 :resjunk
        false}) :returningList ({TARGETENTRY :expr {VAR :varno 1 :varattno 2 :varlevelsup 0} :resno
        1 :resname name :ressortgroupref 0 :resjunk false})}))
        """#

    /// SELECT p FROM people p
    static let whole = #"""
        (({QUERY :commandType 1 :resultRelation 0 :rtable ({RANGETBLENTRY :alias {ALIAS :aliasname
        p} :eref {ALIAS :aliasname p :colnames ("id" "name" "secret")} :rtekind 0 :relid 100
        :relkind r :inh true :inFromCl true :selectedCols (b 7)}) :jointree {FROMEXPR :fromlist
        ({RANGETBLREF :rtindex 1})} :targetList ({TARGETENTRY :expr {VAR :varno 1 :varattno 0
        :varlevelsup 0} :resno 1 :resname p :ressortgroupref 0 :resjunk false})}))
        """#

    /// SELECT id FROM people WHERE secret = 'x'
    static let oracle = #"""
        (({QUERY :commandType 1 :resultRelation 0 :rtable ({RANGETBLENTRY :eref {ALIAS :aliasname
        people :colnames ("id" "name" "secret")} :rtekind 0 :relid 100 :relkind r :inh true
        :inFromCl true :selectedCols (b 8 10)}) :jointree {FROMEXPR :fromlist ({RANGETBLREF :rtindex
        1}) :quals {OPEXPR :opno 98 :opfuncid 67 :args ({VAR :varno 1 :varattno 3 :varlevelsup 0}
        {CONST :consttype 25 :constcollid 100 :constlen -1 :constbyval false :constisnull false
        :constvalue 5 [ 20 0 0 0 120 ]})}} :targetList ({TARGETENTRY :expr {VAR :varno 1 :varattno 1
        :varlevelsup 0} :resno 1 :resname id :ressortgroupref 0 :resjunk false})}))
        """#

    /// SELECT p.id FROM people p JOIN notes n ON n.body = p.secret
    static let joined = #"""
        (({QUERY :commandType 1 :resultRelation 0 :rtable ({RANGETBLENTRY :alias {ALIAS :aliasname
        p} :eref {ALIAS :aliasname p :colnames ("id" "name" "secret")} :rtekind 0 :relid 100
        :relkind r :inh true :inFromCl true :selectedCols (b 8 10)} {RANGETBLENTRY :alias {ALIAS
        :aliasname n} :eref {ALIAS :aliasname n :colnames ("id" "body")} :rtekind 0 :relid 200
        :relkind r :inh true :inFromCl true :selectedCols (b 9)} {RANGETBLENTRY :eref {ALIAS
        :aliasname unnamed_join :colnames ("id" "name" "secret" "id" "body")} :rtekind 2 :jointype 0
        :joinmergedcols 0 :joinaliasvars ({VAR :varno 1 :varattno 1 :varlevelsup 0} {VAR :varno 1
        :varattno 2 :varlevelsup 0} {VAR :varno 1 :varattno 3 :varlevelsup 0} {VAR :varno 2
        :varattno 1 :varlevelsup 0} {VAR :varno 2 :varattno 2 :varlevelsup 0}) :joinleftcols (i 1 2
        3) :joinrightcols (i 1 2) :inh false :inFromCl true}) :jointree {FROMEXPR :fromlist
        ({JOINEXPR :jointype 0 :larg {RANGETBLREF :rtindex 1} :rarg {RANGETBLREF :rtindex 2} :quals
        {OPEXPR :opno 98 :opfuncid 67 :args ({VAR :varno 2 :varattno 2 :varlevelsup 0} {VAR :varno 1
        :varattno 3 :varlevelsup 0})} :rtindex 3})} :targetList ({TARGETENTRY :expr {VAR :varno 1
        :varattno 1 :varlevelsup 0} :resno 1 :resname id :ressortgroupref 0 :resjunk false})}))
        """#

    /// SELECT (SELECT secret FROM people WHERE id = n.id) FROM notes n
    static let scalar = #"""
        (({QUERY :commandType 1 :resultRelation 0 :rtable ({RANGETBLENTRY :alias {ALIAS :aliasname
        n} :eref {ALIAS :aliasname n :colnames ("id" "body")} :rtekind 0 :relid 200 :relkind r :inh
        true :inFromCl true :selectedCols (b 8)}) :jointree {FROMEXPR :fromlist ({RANGETBLREF
        :rtindex 1})} :targetList ({TARGETENTRY :expr {SUBLINK :subLinkType 4 :subLinkId 0
        :subselect {QUERY :commandType 1 :resultRelation 0 :rtable ({RANGETBLENTRY :eref {ALIAS
        :aliasname people :colnames ("id" "name" "secret")} :rtekind 0 :relid 100 :relkind r :inh
        true :inFromCl true :selectedCols (b 8 10)}) :jointree {FROMEXPR :fromlist ({RANGETBLREF
        :rtindex 1}) :quals {OPEXPR :opno 96 :opfuncid 65 :args ({VAR :varno 1 :varattno 1
        :varlevelsup 0} {VAR :varno 1 :varattno 1 :varlevelsup 1})}} :targetList ({TARGETENTRY :expr
        {VAR :varno 1 :varattno 3 :varlevelsup 0} :resno 1 :resname secret :ressortgroupref 0
        :resjunk false})}} :resno 1 :resname secret :ressortgroupref 0 :resjunk false})}))
        """#
}
