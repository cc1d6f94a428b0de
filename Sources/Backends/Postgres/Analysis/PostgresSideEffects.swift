internal import JSON

/// Functions that do more than compute, whatever privileges the role has. A caller's own statement
/// may call none of them; several of them no READ ONLY transaction stops.
enum PostgresSideEffects {
    /// Also where somebody's extension or another schema has one of that name in C.
    static func isRefused(_ function: PostgresSnapshot.Function) -> Bool {
        guard function.isNative else { return false }
        let name = function.name.text
        return refused.contains(name)
            || prefixes.contains { name.utf8.starts(with: $0.utf8) } && !harmless.contains(name)
    }

    /// Volatile without any effect: a read may call them.
    static func isHarmless(_ function: PostgresSnapshot.Function) -> Bool {
        function.isNative && harmless.contains(function.name.text)
    }

    private static let harmless: Set<String> = [
        "random", "random_normal", "clock_timestamp", "timeofday", "gen_random_uuid",
        "gen_random_bytes", "uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v4",
        "normal_rand", "system", "bernoulli", "current_query", "currval", "lastval",
        "pg_relation_size", "pg_table_size", "pg_indexes_size",
        "pg_total_relation_size", "pg_database_size", "pg_tablespace_size", "pg_is_in_recovery",
        "uuidv4", "uuidv7",
        "pg_current_xact_id_if_assigned",
    ]

    private static let prefixes = [
        // Large objects, files, other servers, SQL in a string.
        "lo_", "pg_ls_", "pg_read_", "dblink", "crosstab", "connectby", "xpath_table",
        "pg_file_", "pg_logdir", "postgres_fdw_", "pg_stat_statements",
        // Locks, sleep, replication, backup, statistics, sequences of others.
        "pg_advisory", "pg_try_advisory", "pg_sleep", "pg_logical", "pg_replication",
        "pg_create_", "pg_drop_", "pg_copy_", "pg_backup", "pg_stat_reset", "pg_stat_get_activity",
        "pg_stat_get_backend", "pg_stat_get_wal", "binary_upgrade", "brin_", "gin_clean",
        "pg_prewarm", "autoprewarm", "pg_get_wal", "pg_wal_", "pg_visibility",
        "pg_truncate_visibility", "heap_force", "amcheck", "bt_index", "get_raw_page",
    ]

    private static let refused: Set<String> = [
        "loread", "lowrite", "set_config", "pg_notify", "pg_listening_channels", "pg_stat_file",
        "pg_reload_conf", "pg_rotate_logfile", "pg_rotate_logfile_old", "pg_cancel_backend",
        "pg_terminate_backend", "pg_log_backend_memory_contexts", "pg_promote", "pg_switch_wal",
        "pg_walfile_name", "pg_export_snapshot", "pg_current_logfile", "pg_hba_file_rules",
        "pg_ident_file_mappings", "pg_show_all_file_settings", "pg_import_system_collations",
        "pg_start_backup", "pg_stop_backup", "pg_config", "pg_nextoid",
        "pg_stop_making_pinned_objects",
        "pg_extension_config_dump", "setseed", "txid_current",
        "pg_current_xact_id", "pg_safe_snapshot_blocking_pids", "pg_blocking_pids",
        "pg_isolation_test_session_is_blocked", "pg_cursor", "pg_prepared_statement",
        "pg_get_shmem_allocations", "pg_get_backend_memory_contexts", "pg_lock_status",
        // They run SQL that stands in a string, or read relations that they are told by name.
        "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "table_to_xml",
        "table_to_xmlschema", "table_to_xml_and_xmlschema", "schema_to_xml", "schema_to_xmlschema",
        "schema_to_xml_and_xmlschema", "database_to_xml", "database_to_xmlschema",
        "database_to_xml_and_xmlschema", "cursor_to_xml", "cursor_to_xmlschema", "ts_stat",
        "ts_rewrite", "currtid2", "pg_get_publication_tables", "pg_sequence_last_value",
        "plpgsql_inline_handler", "plpgsql_call_handler",

    ]
}
