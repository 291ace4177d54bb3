//! What a statement creates, object by object.

use squawk_syntax::ast::{self, AstNode, Stmt};
use squawk_syntax::{SourceFile, SyntaxNode};

use super::Provenance;
use super::names::{formatted_type, identifiers, qualified, simple};
use super::unnamed;
use crate::name::{Identifier, QualifiedName};
use crate::object::{ObjectId, ObjectKind};
use crate::tree::with_tree;
use crate::{Origin, Statement};

/// Reads the statements of one file, starting with the search path of a new session.
pub(super) struct Reader<'a> {
    provenance: &'a mut Provenance,
    /// The schema in which unqualified names are created.
    schema: Identifier,
}

impl Reader<'_> {
    pub(super) fn new(provenance: &mut Provenance) -> Reader<'_> {
        Reader { provenance, schema: Identifier::new("public") }
    }

    pub(super) fn read(&mut self, statement: &Statement) {
        // Of what is nested too deep for a tree, nothing is known.
        let _ = with_tree(&statement.text, |file| self.read_tree(file, statement));
    }

    fn read_tree(&mut self, file: &SourceFile, statement: &Statement) {
        let Some(stmt) = file.stmts().next() else { return };
        let mut places = statement.places();
        self.search_path(&stmt);
        let root = stmt.syntax();
        let relation = self.relation(&stmt);
        for node in root.descendants() {
            let mut origin = || statement.origin_with(&mut places, usize::from(node.text_range().start()));
            if let Some(name) = ast::ConstraintName::cast(node.clone()) {
                if let (Some((kind, relation)), Some(name)) = (&relation, simple(name.syntax())) {
                    self.replace(ObjectId::of(*kind, relation, name), origin());
                }
            } else if let Some(name) = relation.as_ref().and_then(|(_, table)| unnamed::name(&node, table)) {
                if let Some((kind, relation)) = &relation {
                    self.replace(ObjectId::of(*kind, relation, name), origin());
                }
            } else if let Some(column) = ast::Column::cast(node.clone()) {
                self.column(relation.as_ref(), column.name().map(|name| name.syntax().clone()), origin());
            } else if let Some(column) = ast::AddColumn::cast(node.clone()) {
                self.column(relation.as_ref(), column.column_name().map(|name| name.syntax().clone()), origin());
            } else if let (Some(row), Some((_, table)), Stmt::Insert(_)) =
                (ast::Row::cast(node.clone()), &relation, &stmt)
            {
                self.provenance.rows.push((table.clone(), row.syntax().text().to_string(), origin()));
            }
        }
        self.whole(&stmt, &statement.origin);
    }

    /// `SET search_path`, in either form.
    fn search_path(&mut self, stmt: &Stmt) {
        let Stmt::Set(set) = stmt else { return };
        let text = set.syntax().text().to_string().replace('\'', "\"");
        let mut names =
            identifiers(&text).into_iter().skip_while(|name| *name == "set" || *name == "session" || *name == "local");
        if names.next().is_some_and(|name| name == "search_path" || name == "schema") {
            let schema = names.find(|name| *name != "to" && *name != "$user");
            self.schema = schema.unwrap_or_else(|| Identifier::new("public"));
        }
    }

    /// The table or domain that a statement concerns, and the kind of constraint it can have.
    fn relation(&self, stmt: &Stmt) -> Option<(ObjectKind, QualifiedName)> {
        if let Stmt::CreateDomain(domain) = stmt {
            return Some((ObjectKind::DomainConstraint, qualified(domain.domain()?.syntax(), &self.schema)?));
        }
        let is_table = |node: &SyntaxNode| {
            let kind = node.kind();
            ast::TableName::can_cast(kind)
                || ast::TableRelationName::can_cast(kind)
                || ast::RelationNameRef::can_cast(kind)
        };
        let node = stmt.syntax().descendants().find(is_table)?;
        Some((ObjectKind::Constraint, qualified(&node, &self.schema)?))
    }

    fn column(&mut self, table: Option<&(ObjectKind, QualifiedName)>, column: Option<SyntaxNode>, origin: Origin) {
        if let (Some((_, table)), Some(column)) = (table, column.and_then(|name| simple(&name))) {
            self.keep(ObjectId::column(table, column), origin);
        }
    }

    /// The object created by the statement as a whole.
    fn whole(&mut self, stmt: &Stmt, origin: &Origin) {
        let path = |node: Option<&SyntaxNode>| node.and_then(|node| qualified(node, &self.schema));
        let made = match stmt {
            Stmt::CreateTable(_) | Stmt::CreateTableAs(_) | Stmt::CreateForeignTable(_) => {
                let kind = if matches!(stmt, Stmt::CreateForeignTable(_)) {
                    ObjectKind::ForeignTable
                } else {
                    ObjectKind::Table
                };
                if let Some((_, table)) = self.relation(stmt) {
                    self.keep(ObjectId::new(kind, table), origin.clone());
                }
                return;
            }
            Stmt::CreateExtension(extension) => {
                if let Some(name) = extension.extension().and_then(|name| simple(name.syntax())) {
                    self.keep(ObjectId::global(ObjectKind::Extension, name), origin.clone());
                }
                return;
            }
            Stmt::CreateIndex(index) => {
                // An index is in the schema of its table.
                let schema = self.relation(stmt).and_then(|(_, table)| table.schema().cloned());
                let name = index.index().and_then(|name| simple(name.syntax()));
                name.map(|name| {
                    ObjectId::index(QualifiedName::unqualified(name))
                        .in_schema(schema.as_ref().unwrap_or(&self.schema).as_str())
                })
            }
            Stmt::CreateView(view) => path(view.view().map(|name| name.syntax().clone()).as_ref())
                .map(|name| ObjectId::new(ObjectKind::View, name)),
            Stmt::CreateMaterializedView(view) => path(view.view().map(|name| name.syntax().clone()).as_ref())
                .map(|name| ObjectId::new(ObjectKind::MaterializedView, name)),
            Stmt::CreateFunction(function) => {
                let name = path(function.name().map(|name| name.syntax().clone()).as_ref());
                name.map(|name| ObjectId::function(ObjectKind::Function, name, types(function.param_list())))
            }
            Stmt::CreateProcedure(procedure) => {
                let name = path(procedure.name().map(|name| name.syntax().clone()).as_ref());
                name.map(|name| ObjectId::function(ObjectKind::Procedure, name, types(procedure.param_list())))
            }
            Stmt::CreateTrigger(trigger) => {
                let on = trigger.on_relation().map(|on| on.syntax().clone());
                self.on_relation(ObjectKind::Trigger, trigger.trigger().map(|name| name.syntax().clone()), on)
            }
            Stmt::CreatePolicy(policy) => {
                let on = policy.on_table().map(|on| on.syntax().clone());
                self.on_relation(ObjectKind::Policy, policy.policy().map(|name| name.syntax().clone()), on)
            }
            Stmt::CreateRule(rule) => {
                let on = rule.rule_on().and_then(|on| on.relation_name_ref()).map(|on| on.syntax().clone());
                self.on_relation(ObjectKind::Rule, rule.rule().map(|name| name.syntax().clone()), on)
            }
            Stmt::CreateDomain(domain) => path(domain.domain().map(|name| name.syntax().clone()).as_ref())
                .map(|name| ObjectId::new(ObjectKind::Domain, name)),
            Stmt::CreateType(ty) => {
                let kind = match ty.kind() {
                    Some(ast::CreateTypeKind::EnumType(_)) => ObjectKind::Enum,
                    Some(ast::CreateTypeKind::CompositeType(_)) => ObjectKind::CompositeType,
                    Some(ast::CreateTypeKind::RangeType(_)) => ObjectKind::RangeType,
                    _ => ObjectKind::Type,
                };
                path(ty.type_name().map(|name| name.syntax().clone()).as_ref()).map(|name| ObjectId::new(kind, name))
            }
            Stmt::CreateSequence(sequence) => path(sequence.sequence().map(|name| name.syntax().clone()).as_ref())
                .map(|name| ObjectId::new(ObjectKind::Sequence, name)),
            Stmt::CreateStatistics(statistics) => {
                path(statistics.statistics().map(|name| name.syntax().clone()).as_ref())
                    .map(|name| ObjectId::new(ObjectKind::Statistics, name))
            }
            Stmt::CreateAggregate(aggregate) => {
                let name = path(aggregate.aggregate_name().map(|name| name.syntax().clone()).as_ref());
                name.map(|name| ObjectId::function(ObjectKind::Aggregate, name, types(aggregate.param_list())))
            }
            Stmt::CreateSchema(schema) => schema
                .create_schema_target()
                .and_then(|target| simple(target.syntax()))
                .map(|name| ObjectId::global(ObjectKind::Schema, name)),
            _ => None,
        };
        if let Some(object) = made {
            self.replace(object, origin.clone());
        }
    }

    fn on_relation(&self, kind: ObjectKind, name: Option<SyntaxNode>, on: Option<SyntaxNode>) -> Option<ObjectId> {
        let mut names = identifiers(&on?.text().to_string());
        names.retain(|name| *name != "on");
        let relation = names.pop()?;
        let schema = names.pop().unwrap_or_else(|| self.schema.clone());
        let relation = QualifiedName::in_schema(schema.as_str(), relation.as_str());
        Some(ObjectId::of(kind, &relation, simple(&name?)?))
    }

    fn keep(&mut self, object: ObjectId, origin: Origin) {
        self.provenance.origins.entry(object).or_insert(origin);
    }

    fn replace(&mut self, object: ObjectId, origin: Origin) {
        self.provenance.origins.insert(object, origin);
    }
}

/// The action of an ALTER TABLE that names this column, constraint, or the like.
pub(super) fn action_on(statement: &Statement, name: &Identifier) -> Option<Origin> {
    let offset = with_tree(&statement.text, |file| {
        let Some(Stmt::AlterTable(alter)) = file.stmts().next() else { return None };
        let actions: Vec<_> = alter.actions().map(|action| action.syntax().clone()).collect();
        let action = actions.iter().find(|action| identifiers(&action.text().to_string()).contains(name))?;
        Some(usize::from(action.text_range().start()))
    });
    Some(statement.origin_at(offset??))
}

/// The types of the input arguments.
fn types(list: Option<ast::ParamList>) -> String {
    let is_input = |param: &ast::Param| {
        param.mode().is_none_or(|mode| !mode.syntax().text().to_string().trim().eq_ignore_ascii_case("out"))
    };
    let params = list.into_iter().flat_map(|list| list.params()).filter(is_input);
    let ty = |param: ast::Param| param.func_type().map(|ty| formatted_type(&ty.syntax().text().to_string()));
    params.filter_map(ty).collect::<Vec<_>>().join(", ")
}
