-- A rebuild decides the whole ledger again into shadow tables of the same shape, beside the ones in use.

CREATE FUNCTION projections() RETURNS text[] IMMUTABLE LANGUAGE sql AS $$
    SELECT ARRAY['envelopes', 'source_states', 'events', 'draw_days', 'cap_days', 'caps', 'lots', 'findings', 'alerts', 'tallies']
$$;

CREATE FUNCTION shadow_open() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    DROP SCHEMA IF EXISTS shadow CASCADE;
    CREATE SCHEMA shadow;
    -- What is told while rebuilding goes nowhere.
    FOREACH name IN ARRAY projections() || ARRAY['outbox', 'receipt_numbers'] LOOP
        EXECUTE format('CREATE TABLE shadow.%I (LIKE public.%I INCLUDING ALL)', name, name);
    END LOOP;
    PERFORM set_config('search_path', 'shadow, public', true);
END
$$;

CREATE FUNCTION shadow_close() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('search_path', 'public', true);
    DROP SCHEMA shadow CASCADE;
END
$$;

-- Everything but alerts, which change through publications.
CREATE FUNCTION shadow_keep() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY projections() LOOP
        IF name <> 'alerts' THEN
            EXECUTE format('DELETE FROM public.%I', name);
            EXECUTE format('INSERT INTO public.%I SELECT * FROM shadow.%I', name, name);
        END IF;
    END LOOP;
END
$$;
