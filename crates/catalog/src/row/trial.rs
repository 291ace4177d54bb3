//! Tries rows: inserted, looked at and rolled back. Many can be tried in one statement.

use pgproof_runner::Sandbox;
use pgproof_server::{DatabaseError, Reported, Session, session::Row};
use pgproof_sql::quote::literal;

use super::{Draft, RowError};

/// What became of a row that was tried.
#[derive(Debug)]
pub(super) enum Trial {
    /// The table stored it.
    Stored,
    /// A trigger stored it in another table, which the table includes.
    Elsewhere,
    /// PostgreSQL accepted the statement, and nothing was stored.
    Nothing,
    /// PostgreSQL rejected it.
    Refused(Box<Reported>),
}

/// Inserts a row and rolls it back.
pub(super) fn tried(sandbox: &mut Sandbox, draft: &Draft) -> Result<Trial, DatabaseError> {
    // Deferrable constraints would otherwise be checked only at the end of the transaction.
    let insert = format!("SET CONSTRAINTS ALL IMMEDIATE; {}", draft.sql());
    match undone_rows(sandbox.session(), &format!("{insert} RETURNING 1"))? {
        Ok(rows) if !rows.is_empty() => return Ok(Trial::Stored),
        Ok(_) => {}
        // feature_not_supported: the table has a rule, which returns nothing
        Err(refusal) if refusal.sqlstate == "0A000" => {}
        Err(refusal) => return Ok(Trial::Refused(refusal)),
    }
    let count = format!("SELECT count(*) FROM {}", draft.table.sql());
    Ok(match undone_rows(sandbox.session(), &format!("{count}; {insert}; {count}"))? {
        Ok(counts) if counts.first() != counts.last() => Trial::Elsewhere,
        Ok(_) => Trial::Nothing,
        Err(refusal) => Trial::Refused(refusal),
    })
}

/// The rows of statements that are rolled back, or the error.
pub(super) fn undone_rows(session: &mut Session, sql: &str) -> Result<Result<Vec<Row>, Box<Reported>>, DatabaseError> {
    const UNDO: &str = "ROLLBACK TO pgproof_trial; RELEASE pgproof_trial";
    match session.rows(&format!("SAVEPOINT pgproof_trial; {sql}\n; {UNDO}")) {
        Ok(rows) => Ok(Ok(rows)),
        Err(DatabaseError::Reported(report)) => {
            session.run(UNDO)?;
            Ok(Err(report))
        }
        Err(error) => Err(error),
    }
}

/// Runs `act`, and rolls its changes back if it fails.
pub(super) fn kept<T>(
    sandbox: &mut Sandbox,
    act: impl FnOnce(&mut Sandbox) -> Result<T, RowError>,
) -> Result<Result<T, RowError>, DatabaseError> {
    sandbox.run("SAVEPOINT pgproof_kept")?;
    let result = act(sandbox);
    match &result {
        Ok(_) => sandbox.run("RELEASE pgproof_kept")?,
        Err(_) => sandbox.run("ROLLBACK TO pgproof_kept; RELEASE pgproof_kept")?,
    }
    Ok(result)
}

/// Tries statements one by one until the last one of a pair stores a row, and rolls all of them back. For each pair
/// that was tried: "stored", "nothing", or the SQLSTATE and the innermost line of the error's context, which tells where
/// a function raised it.
pub(super) fn outcomes(sandbox: &mut Sandbox, pairs: &[(String, String)]) -> Result<Vec<String>, DatabaseError> {
    let array = |texts: Vec<&String>| {
        let quoted: Vec<_> = texts.into_iter().map(|text| literal(text)).collect();
        format!("ARRAY[{}]::text[]", quoted.join(", "))
    };
    let body = format!(
        "DECLARE
            firsts text[] := {firsts};
            inserts text[] := {inserts};
            outcomes text[] := '{{}}';
            outcome text;
            state text;
            stored bigint;
        BEGIN
            SET CONSTRAINTS ALL IMMEDIATE;
            FOR number IN 1 .. cardinality(inserts) LOOP
                BEGIN
                    IF firsts[number] <> '' THEN EXECUTE firsts[number]; END IF;
                    EXECUTE inserts[number];
                    GET DIAGNOSTICS stored = ROW_COUNT;
                    outcome := CASE WHEN stored > 0 THEN 'stored' ELSE 'nothing' END;
                    RAISE EXCEPTION USING ERRCODE = 'PGP00';
                EXCEPTION
                    WHEN SQLSTATE 'PGP00' THEN NULL;
                    WHEN OTHERS THEN
                        GET STACKED DIAGNOSTICS outcome = PG_EXCEPTION_CONTEXT, state = RETURNED_SQLSTATE;
                        outcome := state || ' ' || split_part(outcome, E'\\n', 1);
                END;
                outcomes := outcomes || outcome;
                EXIT WHEN outcome = 'stored';
            END LOOP;
            PERFORM set_config('pgproof.outcomes', to_json(outcomes)::text, true);
        END",
        firsts = array(pairs.iter().map(|(first, _)| first).collect()),
        inserts = array(pairs.iter().map(|(_, insert)| insert).collect()),
    );
    let answer =
        undone_rows(sandbox.session(), &format!("DO {}; SELECT current_setting('pgproof.outcomes')", literal(&body)))?;
    Ok(answer.ok().and_then(one).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Those of these texts that are values of a type, in their order, as PostgreSQL prints them: a cast shortens a text that
/// is too long, which an INSERT does not.
pub(super) fn valid(session: &mut Session, ty: &str, texts: &[String]) -> Result<Vec<String>, DatabaseError> {
    let quoted: Vec<_> = texts.iter().map(|text| literal(text)).collect();
    let body = format!(
        "DECLARE
            texts text[] := ARRAY[{}]::text[];
            found text[] := '{{}}';
            candidate text;
            stored text;
        BEGIN
            FOREACH candidate IN ARRAY texts LOOP
                BEGIN
                    EXECUTE 'SELECT (' || quote_literal(candidate) || {} INTO stored;
                    found := found || stored;
                EXCEPTION WHEN OTHERS THEN NULL;
                END;
            END LOOP;
            PERFORM set_config('pgproof.valid', to_json(found)::text, true);
        END",
        quoted.join(", "),
        literal(&format!("::{ty})::text"))
    );
    let answer = undone_rows(session, &format!("DO {}; SELECT current_setting('pgproof.valid')", literal(&body)))?;
    Ok(answer.ok().and_then(one).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// The first column of the first row.
pub(super) fn one(rows: Vec<Row>) -> Option<String> {
    rows.into_iter().next()?.into_iter().next()?
}
