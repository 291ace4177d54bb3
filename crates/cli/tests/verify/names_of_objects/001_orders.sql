CREATE TABLE orders (
    id    integer PRIMARY KEY,
    total integer NOT NULL,
    CONSTRAINT positive CHECK (total >= 0)
);

CREATE SCHEMA archive;

CREATE TABLE archive.orders (
    id          integer PRIMARY KEY,
    total       integer NOT NULL,
    archived_at date NOT NULL,
    CONSTRAINT positive CHECK (total >= 0)
);

CREATE TABLE "Order.Items" (
    "Order"  integer NOT NULL REFERENCES orders ON DELETE CASCADE,
    "select" text NOT NULL CHECK ("select" IN ('new', 'sent'))
);

CREATE FUNCTION doubled(n integer) RETURNS integer
    LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';

CREATE FUNCTION doubled(t text) RETURNS text
    LANGUAGE sql IMMUTABLE AS 'SELECT t || t';
