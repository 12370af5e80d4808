//! What happens at a monitor, told once and run on each database.

mod asking;
mod attacking;
mod auditing;
mod certifying;
mod copying;
mod desk;
pub(crate) mod documented;
mod exporting;
mod failing;
pub(crate) mod ground;
mod integrating;
mod log;
mod looking;
pub(crate) mod noticing;
mod past;
mod reading;
mod retaining;
mod uploading;
pub(crate) mod vouching;

pub(crate) use ground::Ground;
pub(crate) use {
    asking::*, attacking::*, auditing::*, certifying::*, copying::*, desk::*, exporting::*, failing::*,
    integrating::*, log::*, looking::*, noticing::*, past::*, reading::*, retaining::*, uploading::*,
    vouching::*,
};

/// A test for each story, on what a function sets up.
macro_rules! on {
    ($ground:ident) => {
        stories::on!(
            $ground:
            reports_come_in_as_curl_sends_them,
            each_refusal_says_why,
            a_report_may_be_json,
            reports_of_assay_may_be_json,
            a_delegate_vouches_for_others,
            all_of_a_stream_is_taken_or_nothing,
            no_result_lives_longer_because_a_clock_is_wrong,
            accounts_are_those_of_the_file,
            whoever_has_a_name_next_inherits_nothing,
            a_report_for_another_monitor_is_refused,
            a_run_of_some_testcases_hides_nothing_of_the_others,
            what_does_not_count_is_told_until_it_does,
            reports_are_read_by_whom_they_concern,
            the_status_is_for_everybody,
            later_results_take_the_place_of_earlier_ones,
            results_are_approved_by_who_may,
            what_people_state_takes_the_place_of_no_measurement,
            the_scopes_can_change,
            everybody_sees_what_subjects_come_to,
            subjects_are_found,
            who_passes_what_is_seen_at_once,
            long_lists_have_pages,
            a_testcase_says_what_it_wants_and_who_passes,
            a_group_is_as_good_as_its_worst_member,
            nothing_of_a_report_is_markup,
            whole_logs_are_for_whom_they_concern,
            the_server_says_nothing_about_itself,
            giving_up_proves_nothing,
            any_day_can_be_asked_for,
            what_comes_late_takes_its_place_in_the_past,
            the_history_is_shown,
            many_at_once_are_stored_each_for_itself,
            what_was_accepted_stands_in_the_log,
            what_is_changed_later_is_found,
            a_log_keeps_its_key,
            results_of_the_same_instant_take_turns,
            a_day_without_results_is_one_of_a_known_subject,
            what_came_while_its_scope_was_away_counts_later,
            any_day_of_a_very_long_history_is_known,
            a_certificate_is_applied_for_and_granted,
            a_certificate_is_revoked,
            who_may_do_what_with_applications,
            one_that_is_granted_against_the_tests_says_so,
            what_is_done_to_a_certificate_later_is_found,
            the_next_certificate_begins_when_the_last_one_ends,
            an_integrator_is_certified_by_points,
            who_may_do_what_with_references,
            what_is_said_of_a_subject_stands_side_by_side,
            what_people_check_is_due_every_quarter,
            one_that_cannot_be_stored_keeps_out_nobody_else,
            who_wants_to_know_is_told_what_changed,
            notices_name_the_checkers,
            admins_see_what_became_of_notices,
            contacts_are_told_what_is_theirs,
            somebody_is_known_by_an_identity,
            nobody_is_known_by_what_does_not_hold,
            an_identity_is_connected_by_who_it_is_of,
            a_notice_waits_until_it_arrives,
            only_what_happens_again_is_told,
            people_are_told_by_mail_and_in_rooms,
            silence_and_ends_are_told_once,
            integrators_are_told_of_the_end,
            what_waits_to_happen_again_keeps_back_nothing,
            all_can_be_taken_elsewhere,
            others_can_verify_what_is_taken_away,
            what_was_signed_is_let_go_when_nothing_hangs_on_it,
            what_cannot_be_read_is_named_and_all_else_goes_on,
            what_people_stated_stays_so_without_its_text,
            what_cannot_be_stored_is_reckoned_nevertheless,
            scopes_change_at_once_for_all_that_is_shown,
            a_clock_that_is_ahead_is_nobody_elses,
            a_database_may_go_away_for_a_while,
            a_clock_may_jump,
            two_instances_take_a_report_once,
            what_somebody_was_about_to_send_is_sent_by_another,
            nothing_that_is_asked_for_breaks_it,
            nothing_of_a_name_is_markup,
            what_would_blow_up_is_refused,
            an_account_may_hand_in_so_much,
            who_tries_many_passwords_keeps_out_nobody_else,
            who_keeps_others_waiting_is_cut_off,
            who_does_not_take_answers_is_cut_off,
            a_body_that_never_ends_is_cut_off,
            admins_see_how_the_monitor_is_set_up,
            every_address_is_for_whom_it_is_meant,
            all_that_programs_may_ask_is_documented,
            somebody_comes_and_goes,
            programs_have_tokens,
            keys_change_without_the_file,
            accounts_are_kept_here_too,
            a_subject_tells_about_itself,
            certificates_are_applied_for_with_forms,
            what_people_state_is_approved_at_the_desk,
            integrators_are_certified_with_forms,
            auditors_write_down_what_they_found,
            what_is_wrong_is_marked_and_nothing_is_lost,
            what_somebody_wrote_outlives_a_session,
            nobody_approves_their_own_word,
            a_restore_lets_nobody_in_again,
            all_changes_are_found_again,
            nobody_hides_what_waits,
            every_page_of_the_desk_is_for_whom_it_is_meant
        );
    };
    ($ground:ident: $($story:ident),+) => {
        $(
            #[tokio::test]
            async fn $story() {
                stories::$story($ground().await).await;
            }
        )+
    };
}
pub(crate) use on;
