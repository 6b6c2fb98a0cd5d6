-- A plan is changed by one at a time: what was shown to whoever changes it is what is charged.

alter table public.billing_accounts
  -- who changes the plan at this moment, and until when nobody else does, should it be silent from now on
  add column change_begun uuid,
  add column change_until timestamptz,
  add check ((change_begun is null) = (change_until is null));
