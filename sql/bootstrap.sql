-- Run once by an administrator (a superuser of the warehouse), before the first run of a stack: the pipeline's user and schemas,
-- and a group of analysts who may read what is published. Fill in the names first (all are in the stack's outputs or parameters):
--
--     sed -e 's/{marketplace}/apartments/g' -e 's/{database}/dev/g' -e 's/{warehouse_role}/NAME OF THE WAREHOUSE ROLE/g' sql/bootstrap.sql
--
-- The pipeline's user is that of the stack's warehouse role (IAMR:<role name>). With RedshiftSecretArn it is the secret's user: leave
-- `create user` and `alter user` out, and write that name for "IAMR:{warehouse_role}". The user owns its schemas and nothing else.
-- Run it again where it stopped: a `create` that says "already exists" is done, go on with the next statement.

-- Role names have capitals, and Redshift would else fold them (Database Developer Guide, "enable_case_sensitive_identifier").
set enable_case_sensitive_identifier to true;

-- It exists already where the role has logged in before, as by `make doctor`: the first login makes it (Management Guide, "Data API").
create user "IAMR:{warehouse_role}" password disable;
alter user "IAMR:{warehouse_role}" password disable;
-- Every run says `create schema if not exists`, for which Redshift asks for this privilege first.
grant create on database {database} to "IAMR:{warehouse_role}";

create schema if not exists {marketplace}_control authorization "IAMR:{warehouse_role}";
create schema if not exists {marketplace}_raw authorization "IAMR:{warehouse_role}";
create schema if not exists {marketplace}_curated authorization "IAMR:{warehouse_role}";
create schema if not exists {marketplace}_staging authorization "IAMR:{warehouse_role}";
create schema if not exists {marketplace}_presentation authorization "IAMR:{warehouse_role}";

-- Analysts read the metrics, those of today and those that the pipeline will create; no other layer.
create group {marketplace}_analysts;
grant usage on schema {marketplace}_presentation to group {marketplace}_analysts;
grant select on all tables in schema {marketplace}_presentation to group {marketplace}_analysts;
alter default privileges for user "IAMR:{warehouse_role}" in schema {marketplace}_presentation
    grant select on tables to group {marketplace}_analysts;

-- Then add people: alter group {marketplace}_analysts add user somebody;
-- Only where `revoke assumerole on all from public for all` was said: grant assumerole on '<CopyRoleArn>' to "IAMR:{warehouse_role}" for copy;
